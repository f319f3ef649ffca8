import { messageOf, SupervisorError } from "./errors.ts";
import type { Address } from "./plan.ts";
import { formatAddress } from "./plan.ts";

/**
 * What an operator should read when `address` could not be bound for `who` ("the admin listener").
 * Unknown causes count as an address that is not available, and keep the system's words.
 */
export function listenError(who: string, address: Address, cause: unknown): SupervisorError {
  const where = formatAddress(address);
  const { code } = (typeof cause === "object" && cause !== null ? cause : {}) as { code?: unknown };
  const failed = `Cannot bind ${where} for ${who}`;
  switch (code) {
    case "EADDRINUSE":
      return new SupervisorError(
        "ADDRESS_IN_USE",
        `${failed}: another process listens there`,
        address.tag === "tcp"
          ? `Choose another port, or find the process with: ss -ltnp 'sport = :${address.port}'`
          : "Choose another path, or stop the process that listens on this one.",
        { cause },
      );
    case "EACCES":
    case "EPERM":
      return new SupervisorError(
        "ADDRESS_FORBIDDEN",
        `${failed}: permission denied`,
        address.tag === "tcp"
          ? "Ports below 1024 need privileges: choose a higher one, or grant CAP_NET_BIND_SERVICE."
          : "The user of this process needs write permission for the folder of the socket.",
        { cause },
      );
    default:
      return new SupervisorError(
        "ADDRESS_UNAVAILABLE",
        `${failed}: ${messageOf(cause)}`,
        address.tag === "tcp"
          ? "Use an address of this machine, 127.0.0.1 for this machine only, or 0.0.0.0 for all."
          : "The folder of the socket must exist.",
        { cause },
      );
  }
}
