import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";
import { closeServer } from "./close-server.ts";
import type { InstanceFiles } from "./instance-files.ts";

export interface ControlServer {
  /** Whether the file that was made is still there: without it nobody finds the server. */
  readonly isThere: boolean;
  close(): Promise<void>;
}

/** A client that says nothing for so long is gone, in milliseconds; streams say something every ten seconds. */
const idleTimeout = 30_000;

/**
 * Serves the control socket, in a folder that nobody else may enter: so the socket is private from its first
 * moment, whatever the umask.
 *
 * @throws SupervisorError CONTROL_UNAVAILABLE
 */
export function serveControl(
  runtime: Runtime,
  { folder, socket }: InstanceFiles,
  answer: (request: Request) => Response | Promise<Response>,
): ControlServer {
  let server: NativeServer | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    server = runtime.prepareServer({ address: { tag: "unix", path: socket }, idleTimeout, fetch: answer })();
    chmodSync(socket, 0o600);
  } catch (error) {
    void server?.kill();
    const message = `Cannot listen on the control socket ${socket}: ${messageOf(error)}`;
    const hint = "Set XDG_RUNTIME_DIR to a folder that this user may write to.";
    throw new SupervisorError("CONTROL_UNAVAILABLE", message, hint, { cause: error });
  }
  const bound = server;
  const made = inodeOf(socket);
  return {
    get isThere() {
      return inodeOf(socket) === made;
    },
    async close() {
      // First: whoever looks for the socket finds none, and nobody new comes.
      if (inodeOf(socket) === made) rmSync(socket, { force: true });
      await closeServer(bound);
    },
  };
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}
