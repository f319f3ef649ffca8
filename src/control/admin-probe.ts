import type { Address } from "../core/plan.ts";
import { ProblemsError } from "../core/problem.ts";
import { assertSocketFolder } from "../core/socket-file.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { adminAsk, adminError } from "./admin-ask.ts";

/**
 * Binds the admin's address for a moment, before its thread does: so an address that is taken is known before
 * any service starts, and nobody waits for the thread to say so. Of a unix socket only the folder is looked at:
 * the thread knows how to replace a stale one. A socket of systemd has to have been passed.
 *
 * @throws ProblemsError with SOCKET_NOT_PASSED, ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export function assertAdminFree(runtime: Runtime, address: Address): void {
  try {
    if (address.tag === "unix") assertSocketFolder(address.path, adminAsk(address));
    else if (address.tag === "systemd") runtime.prepareServer({ address, idleTimeout: 0, fetch: unasked });
    else if (address.port !== 0) runtime.probe(address);
  } catch (error) {
    throw new ProblemsError([adminError(address, error)]);
  }
}

/** Nothing is bound: what is looked at is whether it could be. */
const unasked = () => undefined;
