import { readFileSync } from "node:fs";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { ListenAsk } from "../core/listen-error.ts";
import { listenError, listenRefusal } from "../core/listen-error.ts";
import type { Address, HttpPlan } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import { clearStaleSocket } from "../core/socket-file.ts";
import type { NativeServer, Runtime, ServeOptions } from "../runtime/runtime.ts";
import { tellBrokenBody } from "./broken-body.ts";
import { tlsFault } from "./tls-fault.ts";

export interface BindOptions {
  readonly runtime: Runtime;
  /** The services behind one address, with what each says about it. */
  readonly entries: readonly { readonly door: { readonly service: string }; readonly plan: HttpPlan }[];
  readonly fetch: ServeOptions["fetch"];
}

/** What can be known before the address is bound: certificates are read. */
export interface Binding {
  /** Binds the address. @throws SupervisorError ADDRESS_IN_USE, ADDRESS_FORBIDDEN, ADDRESS_UNAVAILABLE or BAD_TLS. */
  bind(): NativeServer;
}

/**
 * Removes a unix socket that nobody listens on any more; undefined where there is nothing to wait for.
 * Rejects with a SupervisorError ADDRESS_IN_USE or ADDRESS_UNAVAILABLE.
 */
export function makeWay(entries: BindOptions["entries"]): Promise<void> | undefined {
  const { address } = planOf(entries);
  return address.tag === "unix" ? clearStaleSocket(address.path, askOf(entries)) : undefined;
}

/** Prepares one address for all of its services. @throws SupervisorError BAD_TLS or SOCKET_NOT_PASSED. */
export function prepareBinding(options: BindOptions): Binding {
  const { entries, fetch, runtime } = options;
  const { address, tls: files } = planOf(entries);
  assertOneCertificate(entries);
  const tls = files ? readTls(files, askOf(entries)) : undefined;
  const idleTimeout = longestIdle(entries.map((entry) => entry.plan.limits.idleTimeout));
  const explained = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw bindError(error, askOf(entries));
    }
  };
  const bind = explained(() =>
    runtime.prepareServer({ address, idleTimeout, fetch, broken: tellBrokenBody, ...(tls ? { tls } : {}) }),
  );
  return { bind: () => explained(bind) };
}

/** @throws SupervisorError ADDRESS_UNAVAILABLE when the runtime listens elsewhere than it was asked to. */
export function assertBound(options: Pick<BindOptions, "entries">, native: NativeServer): void {
  const { address } = native;
  const { address: wanted } = planOf(options.entries);
  if (isSameAddress(wanted, address)) return;
  const asked = askOf(options.entries);
  if (wanted.tag === "systemd" && wanted.at) {
    const fact = `its socket unit listens on ${formatAddress(address)}, not on ${formatAddress(wanted.at)}`;
    const hint = "Make ListenStream= of the socket unit and services.yaml say the same.";
    throw listenRefusal("SOCKET_NOT_PASSED", asked, fact, hint);
  }
  const instead = `the runtime bound ${formatAddress(address)} instead`;
  throw listenRefusal("ADDRESS_UNAVAILABLE", asked, instead, `Change ${asked.key}.`);
}

interface Ask extends ListenAsk {
  readonly tls: HttpPlan["tls"];
}

function planOf(entries: BindOptions["entries"]): HttpPlan {
  return (entries[0] as BindOptions["entries"][number]).plan;
}

function assertOneCertificate(entries: BindOptions["entries"]): void {
  const { tls } = planOf(entries);
  const other = entries.find(({ plan }) => plan.tls?.cert !== tls?.cert || plan.tls?.key !== tls?.key);
  if (!other) return;
  const hint = `Give services.${entries[0]?.door.service}.http.tls and services.${other.door.service}.http.tls the same cert and key`;
  throw listenRefusal("BAD_TLS", askOf(entries), "its services name different certificates", hint);
}

/** What an error says of the address. Made when there is one: a thousand addresses have none. */
function askOf(entries: BindOptions["entries"]): Ask {
  const { address, tls } = planOf(entries);
  const services = entries.map((entry) => entry.door.service);
  const who = `${services.length === 1 ? "service" : "services"} ${services.map((name) => `"${name}"`).join(", ")}`;
  return {
    address,
    tls,
    who,
    key: `services.${services[0]}.http.${keyOf[address.tag]}`,
  };
}

const keyOf = { tcp: "port", unix: "unix", systemd: "listen" } as const;

/** 0 is never, so it is the longest. */
function longestIdle(timeouts: readonly number[]): number {
  return timeouts.includes(0) ? 0 : Math.max(...timeouts);
}

function readTls(tls: NonNullable<Ask["tls"]>, ask: Ask): { cert: string; key: string } {
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const hint = `Check that ${path} exists and that this user may read it`;
      throw listenRefusal("BAD_TLS", ask, messageOf(error), hint, error);
    }
  };
  return { cert: read(tls.cert), key: read(tls.key) };
}

function bindError(error: unknown, ask: Ask): SupervisorError {
  if (error instanceof SupervisorError) {
    return listenRefusal(error.code, ask, error.message, error.hint, error);
  }
  const code = (error as { code?: unknown } | null)?.code;
  // What the system says begins with E; everything else is about the certificate.
  const isSystem = typeof code === "string" && /^E[A-Z]+$/.test(code);
  if (!ask.tls || isSystem) return listenError(ask, error);
  const { fact, hint } = tlsFault(ask.tls);
  return listenRefusal("BAD_TLS", ask, fact, hint, error);
}

/** Runtimes ignore options that they do not know, and then listen where nobody asked them to. */
export function isSameAddress(asked: Address, bound: NativeServer["address"]): boolean {
  // Without a word about it in services.yaml, where the socket is is up to its unit.
  if (asked.tag === "systemd") return asked.at === undefined || isSameAddress(asked.at, bound);
  if (asked.tag === "unix" || bound.tag === "unix") {
    return asked.tag === bound.tag && formatAddress(asked) === formatAddress(bound);
  }
  if (asked.port !== 0 && asked.port !== bound.port) return false;
  if (asked.host === bound.host) return true;
  // systemd listens on both with one socket when it is told a port only.
  if (asked.host === "0.0.0.0" && bound.host === "::") return true;
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
