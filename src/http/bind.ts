import { lstat, readFile, rm } from "node:fs/promises";
import type { ErrorCode } from "../core/errors.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Address, HttpPlan } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { NativeServer, Runtime, ServeOptions } from "../runtime/runtime.ts";

export interface BindOptions {
  readonly runtime: Runtime;
  /** The services behind one address, with what each says about it. */
  readonly entries: readonly { readonly door: { readonly service: string }; readonly plan: HttpPlan }[];
  readonly fetch: ServeOptions["fetch"];
}

/** What can be known before the address is bound: certificates are read, stale sockets gone. */
export interface Binding {
  /** Binds the address. @throws SupervisorError ADDRESS_IN_USE, ADDRESS_FORBIDDEN, ADDRESS_UNAVAILABLE or BAD_TLS. */
  bind(): NativeServer;
}

/**
 * Prepares one address for all of its services. A unix socket that nobody listens on any more is removed.
 * @throws SupervisorError ADDRESS_IN_USE or BAD_TLS.
 */
export async function prepareBinding(options: BindOptions): Promise<Binding> {
  const asked = askOf(options.entries);
  const tls = asked.tls ? await readTls(asked.tls, asked) : undefined;
  if (asked.address.tag === "unix") await clearStaleSocket(asked.address.path, asked);
  const idleTimeout = longestIdle(options.entries.map((entry) => entry.plan.limits.idleTimeout));
  const { fetch, runtime } = options;
  const serve: ServeOptions = { address: asked.address, idleTimeout, fetch, ...(tls ? { tls } : {}) };
  return {
    bind() {
      try {
        return runtime.serve(serve);
      } catch (error) {
        throw bindError(error, asked);
      }
    },
  };
}

/** @throws SupervisorError ADDRESS_UNAVAILABLE when the runtime listens elsewhere than it was asked to. */
export function assertBound(options: Pick<BindOptions, "entries">, native: NativeServer): void {
  const asked = askOf(options.entries);
  if (isSameAddress(asked.address, native.address)) return;
  throw refusal(
    "ADDRESS_UNAVAILABLE",
    asked,
    `the runtime bound ${formatAddress(native.address)} instead`,
    changeHint(asked),
  );
}

/** An address, and who asks for it. */
interface Ask {
  readonly address: Address;
  readonly tls: HttpPlan["tls"];
  readonly services: readonly string[];
}

function askOf(entries: BindOptions["entries"]): Ask {
  const { address, tls } = (entries[0] as BindOptions["entries"][number]).plan;
  const services = entries.map((entry) => entry.door.service);
  const other = entries.find(({ plan }) => plan.tls?.cert !== tls?.cert || plan.tls?.key !== tls?.key);
  const ask = { address, tls, services };
  if (!other) return ask;
  const hint = `Give services.${services[0]}.http.tls and services.${other.door.service}.http.tls the same cert and key`;
  throw refusal("BAD_TLS", ask, "its services name different certificates", hint);
}

/** 0 is never, so it is the longest. */
function longestIdle(timeouts: readonly number[]): number {
  return timeouts.includes(0) ? 0 : Math.max(...timeouts);
}

async function readTls(tls: NonNullable<Ask["tls"]>, ask: Ask): Promise<{ cert: string; key: string }> {
  const read = async (path: string) => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      const hint = `Check that ${path} exists and that this user may read it`;
      throw refusal("BAD_TLS", ask, messageOf(error), hint, error);
    }
  };
  const [cert, key] = await Promise.all([read(tls.cert), read(tls.key)]);
  return { cert, key };
}

/** A process that was killed leaves its socket file behind; one that lives must not lose it. */
async function clearStaleSocket(path: string, ask: Ask): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return;
  if (!stats.isSocket()) {
    throw refusal(
      "ADDRESS_IN_USE",
      ask,
      "the file exists and is no socket",
      `Remove ${path}, or ${changeHint(ask)}`,
    );
  }
  if (await isAnswered(path)) throw inUse(ask);
  await rm(path, { force: true });
}

async function isAnswered(path: string): Promise<boolean> {
  // Loaded here only: node:net brings the streams along, 2 MB that few programs need.
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}

function bindError(error: unknown, ask: Ask): SupervisorError {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "EADDRINUSE") return inUse(ask, error);
  if (code === "EACCES" || code === "EPERM") {
    return refusal("ADDRESS_FORBIDDEN", ask, "permission denied", forbiddenHint(ask), error);
  }
  if (code === "EADDRNOTAVAIL") {
    const hint = `Use 127.0.0.1, 0.0.0.0 or an address that "ip addr" shows: ${changeHint(ask)}`;
    return refusal("ADDRESS_UNAVAILABLE", ask, "the host is no address of this machine", hint, error);
  }
  if (ask.tls && typeof code !== "string") return badTls(ask, error);
  if (ask.tls && !/^E[A-Z]+$/.test(String(code))) return badTls(ask, error);
  return refusal("ADDRESS_UNAVAILABLE", ask, messageOf(error), changeHint(ask), error);
}

function badTls(ask: Ask, error: unknown): SupervisorError {
  const hint = `Check that ${ask.tls?.cert} and ${ask.tls?.key} are PEM files that belong together`;
  return refusal("BAD_TLS", ask, messageOf(error), hint, error);
}

function inUse(ask: Ask, cause?: unknown): SupervisorError {
  const { address } = ask;
  if (address.tag === "unix") {
    const find = `Find who has it with: ss -lxp src ${address.path}`;
    return refusal(
      "ADDRESS_IN_USE",
      ask,
      "another process listens on that socket",
      `${find}; or ${changeHint(ask)}`,
      cause,
    );
  }
  const find = `Find who has it with: ss -ltnp 'sport = :${address.port}'`;
  return refusal(
    "ADDRESS_IN_USE",
    ask,
    "the port is already in use",
    `${find}; or ${changeHint(ask)}`,
    cause,
  );
}

function forbiddenHint(ask: Ask): string {
  const { address } = ask;
  if (address.tag === "unix") return `This user may not create ${address.path}: ${changeHint(ask)}`;
  return `Ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=); or ${changeHint(ask)}`;
}

function changeHint({ address, services }: Ask): string {
  return `change services.${services[0]}.http.${address.tag === "unix" ? "unix" : "port"}`;
}

function refusal(code: ErrorCode, ask: Ask, fact: string, hint: string, cause?: unknown): SupervisorError {
  const names = ask.services.map((service) => `"${service}"`).join(", ");
  const who = `${ask.services.length === 1 ? "service" : "services"} ${names}`;
  const sentence = `Cannot listen on ${formatAddress(ask.address)} for ${who}: ${fact}`;
  return new SupervisorError(code, sentence, hint, cause === undefined ? undefined : { cause });
}

/** Runtimes ignore options that they do not know, and then listen where nobody asked them to. */
export function isSameAddress(asked: Address, bound: NativeServer["address"]): boolean {
  if (asked.tag === "unix" || bound.tag === "unix") {
    return asked.tag === bound.tag && formatAddress(asked) === formatAddress(bound);
  }
  if (asked.port !== 0 && asked.port !== bound.port) return false;
  const host = canonicalHost(asked.host);
  if (host !== undefined) return host === canonicalHost(bound.host);
  // A name was resolved; whatever it stands for, it is not every interface.
  return bound.host !== "0.0.0.0" && bound.host !== "::";
}

/** An IP address in its shortest spelling; undefined for a name. */
function canonicalHost(host: string): string | undefined {
  if (host.includes(":")) return new URL(`http://[${host.replace(/%.*$/, "")}]`).hostname;
  return /^\d+(\.\d+){3}$/.test(host) ? host : undefined;
}
