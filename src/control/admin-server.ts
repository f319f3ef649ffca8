import { lstatSync, unlinkSync } from "node:fs";
import { listenError } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import type { NativeServer, Runtime } from "../runtime/runtime.ts";

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
    if (address.tag === "unix") await removeStale(address.path);
    const server = runtime.serve({ address, idleTimeout, fetch: answer });
    return { address: server.address, close: () => close(server) };
  } catch (error) {
    throw listenError("the admin listener", address, error);
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

/** A process that was killed leaves its socket file behind; one that somebody answers on is theirs. */
async function removeStale(path: string): Promise<void> {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  // Anything else at this path is somebody's file: binding refuses it.
  if (isSocket && !(await isAnswered(path))) unlinkSync(path);
}

async function isAnswered(path: string): Promise<boolean> {
  // Loaded only here: it takes more than a megabyte.
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Only a refused connection is the sign of a dead owner.
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}
