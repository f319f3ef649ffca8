import { statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Where a running supervisor can be found: its control socket, and its pid beside it. */
export interface InstanceFiles {
  /** Only its owner may enter it. */
  readonly folder: string;
  readonly socket: string;
  readonly pid: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Sockets have a fixed-size field for their path: 108 bytes on Linux, 104 on macOS, with a closing zero. */
const longestPath = 103;

/**
 * The files of the instance `name`: below `$RUNTIME_DIRECTORY` (systemd), else `$XDG_RUNTIME_DIR`, else the temp
 * folder. Nothing is made or looked for.
 */
export function instanceFiles(name: string, variables: Variables): InstanceFiles {
  const [first, ...others] = instanceFolders(variables).map((folder) => filesIn(folder, name));
  const fitting = [first, ...others].find((files) => files && Buffer.byteLength(files.socket) <= longestPath);
  return fitting ?? (first as InstanceFiles);
}

/** The folders that instances of this user may be in, the one for new instances first. */
export function instanceFolders(variables: Variables): string[] {
  const uid = process.getuid?.() ?? 0;
  // systemd gives a list when the unit names several.
  const [runtimeDirectory] = (variables.RUNTIME_DIRECTORY ?? "").split(":");
  const { XDG_RUNTIME_DIR: session } = variables;
  return [
    ...(runtimeDirectory ? [join(runtimeDirectory, "supervisor")] : []),
    // `su` and `sudo -E` leave another user's variable behind, whose folder is not ours to write to.
    ...(session && isOwnedBy(session, uid) ? [join(session, "supervisor")] : []),
    join(variables.TMPDIR || "/tmp", `supervisor-${uid}`),
  ];
}

/** The files of an instance whose folder is known. */
export function filesIn(folder: string, name: string): InstanceFiles {
  const stem = join(folder, name);
  if (Buffer.byteLength(`${stem}.sock`) <= longestPath) {
    return { folder, socket: `${stem}.sock`, pid: `${stem}.pid` };
  }
  // Loaded for long names only.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const short = join(folder, createHash("sha256").update(name).digest("hex").slice(0, 16));
  return { folder, socket: `${short}.sock`, pid: `${short}.pid` };
}

/** Whether a socket can be bound there at all. */
export function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > longestPath;
}

function isOwnedBy(folder: string, uid: number): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats?.uid === uid && stats.isDirectory();
}
