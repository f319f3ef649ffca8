import { SupervisorError } from "../../../core/errors.ts";

/** Where Redis is, and who we are to it. */
export interface RedisAddress {
  readonly mode: "single" | "sentinel" | "cluster";
  /** At least one. Of sentinels or cluster nodes any that answers will do. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** The name by which sentinels know the master. */
  readonly master?: string;
  /** The password of the sentinels themselves. */
  readonly sentinelPassword?: string;
  /** A PEM file of the authority that signed the server's certificate. */
  readonly ca?: string;
}

/**
 * Reads the address of a broker:
 *
 *     redis://[USER:PASSWORD@]HOST[:PORT][/DB]          rediss:// for TLS
 *     redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DB]
 *     redis+cluster://[USER:PASSWORD@]HOST[:PORT],…
 *
 * with `rediss+…` for TLS. User and password are percent-encoded; `:PASSWORD@` alone is the user `default`. Behind `?`
 * may come `ca=FILE` (TLS with an authority of one's own) and `sentinel_password=…`. Ports default to 6379, those of
 * sentinels to 26379.
 *
 * @throws SupervisorError BAD_BROKER, without the password
 */
export function readAddress(url: string, broker: string): RedisAddress {
  const match = shape.exec(url);
  if (!match) throw bad(broker, "is no address of Redis");
  const [, scheme, kind, user, hostList = "", path = "", query = ""] = match;
  const mode = kind === "sentinel" || kind === "cluster" ? kind : "single";
  const usualPort = mode === "sentinel" ? 26_379 : 6379;
  const hosts = hostList.split(",").map((text) => readHost(text, usualPort, broker));
  if (mode === "single" && hosts.length > 1)
    throw bad(broker, "names several hosts, but neither sentinel nor cluster");
  const parts = path.split("/").filter((part) => part !== "");
  const master = mode === "sentinel" ? parts.shift() : undefined;
  if (mode === "sentinel" && !master) throw bad(broker, "does not name the sentinels' master");
  const db = parts.length === 0 ? 0 : Number(parts[0]);
  if (parts.length > 1 || !Number.isInteger(db) || db < 0)
    throw bad(broker, "has a database that is no number");
  if (mode === "cluster" && db !== 0) throw bad(broker, "names a database, but a cluster has only the first");
  const { ca, sentinel_password: sentinelPassword } = readQuery(query, broker);
  return {
    mode,
    hosts,
    tls: scheme === "rediss",
    ...readUser(user, broker),
    db,
    ...(master === undefined ? {} : { master: decode(master, broker) }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(ca === undefined ? {} : { ca }),
  };
}

const shape = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

function readHost(text: string, usualPort: number, broker: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? usualPort);
  if (!match || port < 1 || port > 65_535) throw bad(broker, "has a host that is none");
  return { host: (match[1] ?? match[2]) as string, port };
}

function readUser(text: string | undefined, broker: string): { username?: string; password?: string } {
  if (!text) return {};
  const colon = text.indexOf(":");
  const username = decode(colon < 0 ? text : text.slice(0, colon), broker);
  const password = colon < 0 ? "" : decode(text.slice(colon + 1), broker);
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function readQuery(query: string, broker: string): { ca?: string; sentinel_password?: string } {
  const options = new URLSearchParams(query);
  const found: { ca?: string; sentinel_password?: string } = {};
  for (const [name, value] of options) {
    if (name !== "ca" && name !== "sentinel_password") throw bad(broker, `has an unknown option "${name}"`);
    found[name] = value;
  }
  return found;
}

function decode(text: string, broker: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone percent sign.
    throw bad(broker, "is not percent-encoded where it should be");
  }
}

function bad(broker: string, what: string): SupervisorError {
  return new SupervisorError(
    "BAD_BROKER",
    `The address of broker "${broker}" ${what}.`,
    "For example redis://user:password@redis.internal:6379/0, redis+sentinel://s1,s2,s3/mymaster or redis+cluster://n1,n2,n3.",
  );
}
