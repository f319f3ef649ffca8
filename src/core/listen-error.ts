import type { ErrorCode } from "./errors.ts";
import { messageOf, SupervisorError } from "./errors.ts";
import type { Address } from "./plan.ts";
import { formatAddress } from "./plan.ts";

/** An address, who wants to listen there, and what to change when that cannot be. */
export interface ListenAsk {
  readonly address: Address;
  /** @example 'service "evening"' */
  readonly who: string;
  /** The key of services.yaml, for example "services.evening.http.port". */
  readonly key: string;
}

/**
 * What an operator should read when the system would not let `ask` listen. Unknown causes count as an address
 * that is not available, and keep the system's words.
 */
export function listenError(ask: ListenAsk, cause: unknown): SupervisorError {
  const { code } = (typeof cause === "object" && cause !== null ? cause : {}) as { code?: unknown };
  switch (code) {
    case "EADDRINUSE":
      return addressInUse(ask, cause);
    case "EACCES":
    case "EPERM":
      return listenRefusal("ADDRESS_FORBIDDEN", ask, "permission denied", forbiddenHint(ask), cause);
    case "EADDRNOTAVAIL":
      return noSuchHost(ask, cause);
    case "ENOENT":
    case "ENOTFOUND":
      if (ask.address.tag === "tcp") return noSuchHost(ask, cause);
      break;
  }
  return listenRefusal("ADDRESS_UNAVAILABLE", ask, messageOf(cause), `Change ${ask.key}.`, cause);
}

function noSuchHost(ask: ListenAsk, cause: unknown): SupervisorError {
  const key = ask.key.replace(/\.port$/, ".host");
  const hint = `Use 127.0.0.1, 0.0.0.0 or an address that "ip addr" shows: change ${key}`;
  return listenRefusal("ADDRESS_UNAVAILABLE", ask, "the host is no address of this machine", hint, cause);
}

export function addressInUse(ask: ListenAsk, cause?: unknown): SupervisorError {
  const { address, key } = ask;
  const isUnix = address.tag === "unix";
  const fact = isUnix ? "another process listens on that socket" : "the port is already in use";
  const find = isUnix ? `ss -lxp src ${address.path}` : `ss -ltnp 'sport = :${portOf(address)}'`;
  const hint = `Find who has it with: ${find}; or change ${key}`;
  return listenRefusal("ADDRESS_IN_USE", ask, fact, hint, cause);
}

function portOf(address: Address): number | string {
  return address.tag === "tcp" ? address.port : formatAddress(address);
}

export function listenRefusal(
  code: ErrorCode,
  { address, who }: ListenAsk,
  fact: string,
  hint: string,
  cause?: unknown,
): SupervisorError {
  const sentence = `Cannot listen on ${formatAddress(address)} for ${who}: ${fact}`;
  return new SupervisorError(code, sentence, hint, cause === undefined ? undefined : { cause });
}

function forbiddenHint({ address, key }: ListenAsk): string {
  if (address.tag === "unix") return `This user may not create ${address.path}: change ${key}`;
  return `Ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=); or change ${key}`;
}
