import type { ListenAsk } from "../core/listen-error.ts";
import type { Address } from "../core/plan.ts";

/** The admin listener, in the words of errors about its address. */
export function adminAsk(address: Address): ListenAsk {
  return { address, who: "the admin listener", key: "admin.listen" };
}
