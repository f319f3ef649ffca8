import { SupervisorError } from "../core/errors.ts";
import { listenError } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import { clearStaleSocket } from "../core/socket-file.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";
import { adminAsk } from "./admin-ask.ts";
import { closeServer } from "./close-server.ts";

export interface AdminServer {
  readonly address: Address;
  /** Lets answers that are being written end, then closes everything; never hangs. */
  close(): Promise<void>;
}

/** Idle connections of health probes are closed after this, in milliseconds. */
const idleTimeout = 30_000;

/**
 * Binds the admin listener.
 *
 * @throws SupervisorError ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export async function serveAdmin(
  runtime: Runtime,
  address: Address,
  answer: (request: Request, address: Address) => Response | Promise<Response>,
): Promise<AdminServer> {
  try {
    if (address.tag === "unix") await clearStaleSocket(address.path, adminAsk(address));
    const fetch = (request: Request) => answer(request, server.address);
    const server: NativeServer = runtime.prepareServer({ address, idleTimeout, fetch })();
    return { address: server.address, close: () => closeServer(server) };
  } catch (error) {
    throw error instanceof SupervisorError ? error : listenError(adminAsk(address), error);
  }
}
