import { SupervisorError } from "../core/errors.ts";
import type { ListenAsk } from "../core/listen-error.ts";
import { listenError, listenRefusal } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";

/** The admin listener, in the words of errors about its address. */
export function adminAsk(address: Address): ListenAsk {
  return { address, who: "the admin listener", key: "admin.listen" };
}

/** What an operator should read when `error` keeps the admin listener from its address. */
export function adminError(address: Address, error: unknown): SupervisorError {
  if (!(error instanceof SupervisorError)) return listenError(adminAsk(address), error);
  if (error.code !== "SOCKET_NOT_PASSED") return error;
  return listenRefusal(error.code, adminAsk(address), error.message, error.hint, error);
}
