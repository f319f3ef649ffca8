import { SupervisorError } from "../core/errors.ts";
import type { NativeAddress, ServeOptions } from "./runtime.ts";

/** An address that the runtime itself can bind. @throws SupervisorError SOCKET_NOT_PASSED for a socket of systemd */
export function ownAddress(address: ServeOptions["address"]): NativeAddress {
  if (address.tag !== "systemd") return address;
  const hint =
    'Start it with systemctl, with the units that "supervisor systemd" writes; or use port instead.';
  throw new SupervisorError("SOCKET_NOT_PASSED", "systemd has not started this process", hint);
}
