import { SupervisorError } from "../../../core/errors.ts";

export interface SqliteAddress {
  /** An absolute path. */
  readonly file: string;
  /**
   * `full`: what was accepted survives a power cut. `normal`: after a power cut the last moments may be missing, never
   * more; a process that dies loses nothing either way.
   */
  readonly synchronous: "full" | "normal";
}

/**
 * `sqlite:/path/queue.db`, with `?synchronous=normal` for fewer flushes of the disk.
 *
 * @throws SupervisorError BAD_BROKER
 */
export function parseAddress(url: string): SqliteAddress {
  const [, path = "", query = ""] = /^sqlite:(?:\/\/(?=\/))?([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  if (!path.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(path)) {
    throw bad(`"${url}" names no file`, "Write sqlite: and the path of a file, like sqlite:./data/queue.db.");
  }
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    if (name !== "synchronous") throw bad(`"${url}" has an option "${name}"`, "The only one is synchronous.");
  }
  const synchronous = options.get("synchronous") ?? "full";
  if (synchronous !== "full" && synchronous !== "normal") {
    throw bad(`"${url}" has synchronous=${synchronous}`, "It is full (the default) or normal.");
  }
  return { file: path, synchronous };
}

function bad(message: string, hint: string): SupervisorError {
  return new SupervisorError("BAD_BROKER", message, hint);
}
