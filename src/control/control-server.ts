import { chmodSync, rmSync } from "node:fs";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";
import { closeServer } from "./close-server.ts";
import type { InstanceFiles } from "./instance-files.ts";

export interface ControlServer {
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
  { socket }: InstanceFiles,
  answer: (request: Request) => Response | Promise<Response>,
): ControlServer {
  let server: NativeServer | undefined;
  try {
    server = runtime.prepareServer({ address: { tag: "unix", path: socket }, idleTimeout, fetch: answer })();
    chmodSync(socket, 0o600);
  } catch (error) {
    void server?.kill();
    const message = `Cannot listen on the control socket ${socket}: ${messageOf(error)}`;
    const hint = "Set XDG_RUNTIME_DIR to a folder that this user may write to.";
    throw new SupervisorError("CONTROL_UNAVAILABLE", message, hint, { cause: error });
  }
  const bound = server;
  return {
    async close() {
      // First: whoever looks for the socket finds none, and nobody new comes.
      rmSync(socket, { force: true });
      await closeServer(bound);
    },
  };
}
