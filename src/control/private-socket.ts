import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { NativeServer } from "../runtime/runtime.ts";

/** Sockets have a fixed-size field for their path: 108 bytes on Linux, 104 on macOS, with a closing zero. */
const longestPath = 103;

export interface PrivateSocket {
  readonly server: NativeServer;
  /** Whether the file system keeps the mode: other users cannot open the socket. */
  readonly isPrivate: boolean;
  /** Removes the file, unless it is somebody else's by now. */
  remove(): void;
}

/**
 * Binds a unix socket at `path`, which nobody but its own user can ever connect to: it is made in a folder of its own that
 * nobody else may enter, and gets its place with its mode. The umask instead would be that of all threads. Where the
 * way through the folder would be too long for a socket, its mode follows the bind in the same turn of the loop.
 *
 * @throws the error of `bind`, or of the file system; then nothing is left
 */
export function bindPrivately(path: string, bind: (path: string) => NativeServer): PrivateSocket {
  const folder = mkdtempSync(join(dirname(path), ".s"));
  let server: NativeServer | undefined;
  try {
    const inside = join(folder, "s");
    const draft = Buffer.byteLength(inside) <= longestPath ? inside : path;
    server = bind(draft);
    chmodSync(draft, 0o600);
    const { ino, mode } = lstatSync(draft);
    if (draft !== path) renameSync(draft, path);
    return {
      server,
      isPrivate: (mode & 0o077) === 0,
      remove() {
        if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
      },
    };
  } catch (error) {
    void server?.kill();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
