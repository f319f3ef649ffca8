import { SupervisorError } from "../core/errors.ts";
import { listenError } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import { clearStaleSocket } from "../core/socket-file.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";
import { adminAsk } from "./admin-ask.ts";

export interface AdminServer {
  readonly address: Address;
  /** Lets answers that are being written end, then closes everything; never hangs. */
  close(): Promise<void>;
}

/** Idle connections of health probes are closed after this, in milliseconds. */
const idleTimeout = 30_000;
const drainMs = 100;

/**
 * Binds the admin listener.
 *
 * @throws SupervisorError ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export async function serveAdmin(
  runtime: Runtime,
  address: Address,
  answer: (request: Request) => Response,
): Promise<AdminServer> {
  try {
    if (address.tag === "unix") await clearStaleSocket(address.path, adminAsk(address));
    const server = runtime.prepareServer({ address, idleTimeout, fetch: answer })();
    return { address: server.address, close: () => close(server) };
  } catch (error) {
    throw error instanceof SupervisorError ? error : listenError(adminAsk(address), error);
  }
}

async function close(server: NativeServer): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs);
  });
  await Promise.race([server.stop(), late]);
  clearTimeout(timer);
  server.kill();
}
