import { statSync } from "node:fs";
import { listenRefusal } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import { clearStaleSocket } from "../core/socket-file.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";
import { adminAsk, adminError } from "./admin-ask.ts";
import { closeServer } from "./close-server.ts";
import { bindPrivately } from "./private-socket.ts";

export interface AdminServer {
  readonly address: Address;
  /** Lets answers that are being written end, then closes everything; never hangs. */
  close(): Promise<void>;
}

/** Idle connections of health probes are closed after this, in milliseconds. */
const idleTimeout = 30_000;

/**
 * Binds the admin listener; a unix socket only its own user may open, whatever the umask.
 *
 * @throws SupervisorError ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export async function serveAdmin(
  runtime: Runtime,
  address: Address,
  answer: (request: Request, address: Address) => Response | Promise<Response>,
): Promise<AdminServer> {
  try {
    if (address.tag === "unix") {
      await clearStaleSocket(address.path, adminAsk(address));
      return serveUnix(runtime, address, (request) => answer(request, address));
    }
    const fetch = (request: Request) => answer(request, server.address);
    const server: NativeServer = runtime.prepareServer({ address, idleTimeout, fetch })();
    if (server.address.tag === "unix") assertPrivate(address, server);
    return { address: server.address, close: () => closeServer(server) };
  } catch (error) {
    throw adminError(address, error);
  }
}

/** A socket of systemd: everybody may open it, unless its unit says otherwise. @throws SupervisorError ADDRESS_FORBIDDEN */
function assertPrivate(asked: Address, server: NativeServer): void {
  const { address } = server;
  if (address.tag !== "unix" || (statSync(address.path).mode & 0o077) === 0) return;
  void server.kill();
  const hint = "Set SocketMode=0600 in the socket unit";
  throw listenRefusal("ADDRESS_FORBIDDEN", adminAsk(asked), "other users may open the socket", hint);
}

/**
 * Without a token whoever can open the socket may stop services.
 *
 * @throws SupervisorError ADDRESS_FORBIDDEN when others could open it; the server is gone by then.
 */
function serveUnix(
  runtime: Runtime,
  address: Extract<Address, { tag: "unix" }>,
  fetch: (request: Request) => Response | Promise<Response>,
): AdminServer {
  const bind = (path: string) =>
    runtime.prepareServer({ address: { ...address, path }, idleTimeout, fetch })();
  const { server, isPrivate, remove } = bindPrivately(address.path, bind);
  const close = () => {
    // First: whoever looks for the socket finds none, and nobody new comes.
    remove();
    return closeServer(server);
  };
  if (isPrivate) return { address, close };
  void close();
  const hint = `Put the socket in a folder of a file system that keeps modes: change ${adminAsk(address).key}`;
  throw listenRefusal("ADDRESS_FORBIDDEN", adminAsk(address), "other users could open the socket", hint);
}
