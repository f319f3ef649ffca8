import { SupervisorError } from "../core/errors.ts";
import type { NativeAddress, ServeOptions } from "./runtime.ts";

/** An address that the runtime itself can bind. @throws SupervisorError SOCKET_NOT_PASSED for a socket of systemd */
export function ownAddress(address: ServeOptions["address"]): NativeAddress {
  if (address.tag !== "systemd") return address;
  const hint = 'Only "supervisor run", started by systemd, has them.';
  throw new SupervisorError("SOCKET_NOT_PASSED", "sockets of systemd are not known here", hint);
}
