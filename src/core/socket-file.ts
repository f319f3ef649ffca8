import { existsSync, lstatSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { ListenAsk } from "./listen-error.ts";
import { addressInUse, listenRefusal } from "./listen-error.ts";

/**
 * Removes the unix socket that a killed process has left at `path`, so that it can be bound again.
 *
 * @throws SupervisorError ADDRESS_UNAVAILABLE without a folder for it, ADDRESS_IN_USE when somebody answers there, or when the file is no socket.
 */
export async function clearStaleSocket(path: string, ask: ListenAsk): Promise<void> {
  assertSocketFolder(path, ask);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) {
    const hint = `Remove ${path}, or change ${ask.key}`;
    throw listenRefusal("ADDRESS_IN_USE", ask, "the file exists and is no socket", hint);
  }
  if (await isSocketAnswered(path)) throw addressInUse(ask);
  rmSync(path, { force: true });
}

/** @throws SupervisorError ADDRESS_UNAVAILABLE when the folder of the socket does not exist. */
export function assertSocketFolder(path: string, ask: ListenAsk): void {
  const folder = dirname(path);
  if (existsSync(folder)) return;
  const hint = `Create it: mkdir -p ${folder}; or change ${ask.key}`;
  throw listenRefusal("ADDRESS_UNAVAILABLE", ask, `the folder ${folder} does not exist`, hint);
}

/** Whether a process listens on the socket file: only a refused connection is the sign of a dead owner. */
export async function isSocketAnswered(path: string): Promise<boolean> {
  // Loaded here only: node:net brings the streams along, 2 MB that few programs need.
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
