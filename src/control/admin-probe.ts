import { SupervisorError } from "../core/errors.ts";
import { listenError } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import { ProblemsError } from "../core/problem.ts";
import { assertSocketFolder } from "../core/socket-file.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { adminAsk } from "./admin-ask.ts";

/**
 * Binds the admin's address for a moment, before its thread does: so an address that is taken is known before
 * any service starts, and nobody waits for the thread to say so. Of a unix socket only the folder is looked at:
 * the thread knows how to replace a stale one.
 *
 * @throws ProblemsError with ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export function assertAdminFree(runtime: Runtime, address: Address): void {
  const ask = adminAsk(address);
  try {
    if (address.tag === "unix") assertSocketFolder(address.path, ask);
    else if (address.tag === "tcp" && address.port !== 0) runtime.probe(address);
  } catch (error) {
    throw new ProblemsError([error instanceof SupervisorError ? error : listenError(ask, error)]);
  }
}
