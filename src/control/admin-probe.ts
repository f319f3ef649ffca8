import { listenError } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { adminAsk } from "./admin-ask.ts";

/**
 * Binds the admin's address for a moment, before its thread does: so an address that is taken is known before
 * any service starts, and nobody waits for the thread to say so. A unix socket is left to the thread, which
 * knows how to replace a stale one.
 *
 * @throws ProblemsError with ADDRESS_IN_USE, ADDRESS_FORBIDDEN or ADDRESS_UNAVAILABLE.
 */
export function assertAdminFree(runtime: Runtime, address: Address): void {
  if (address.tag === "unix" || address.port === 0) return;
  try {
    runtime.probe(address);
  } catch (error) {
    throw new ProblemsError([listenError(adminAsk(address), error)]);
  }
}
