import type { Clock } from "../core/clock.ts";
import type { Address, HttpPlan } from "../core/plan.ts";
import type { Answer, NativeInfo, NativeServer, Runtime } from "../runtime/runtime.ts";
import { assertBound, prepareBinding } from "./bind.ts";
import type { Door } from "./door.ts";
import { notFound, withHeader } from "./reply.ts";
import { createRouter } from "./route.ts";

/** One service behind an address. */
export interface Entry {
  readonly door: Door;
  readonly plan: HttpPlan;
}

/** One bound address with the doors that it leads to. */
export interface Listener {
  /** What a person can open, for each service behind it. */
  readonly urls: readonly { readonly service: string; readonly url: string }[];
  /** Closes every connection; resolves when the address is free. */
  kill(): Promise<void>;
}

export interface ListenerOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** All of one address. */
  readonly entries: readonly Entry[];
  readonly isStopping: () => boolean;
}

/** A listener before its address is bound. */
export interface PreparedListener {
  /** Binds the address and nothing else. @throws SupervisorError when that is impossible. */
  bind(): NativeServer;
  /** Attaches the doors to what `bind` gave. @throws SupervisorError when that is not the address asked for. */
  open(native: NativeServer): Listener;
}

/** @throws SupervisorError when a certificate or a socket file rules the address out. */
export async function prepareListener(options: ListenerOptions): Promise<PreparedListener> {
  const binding = await prepareBinding({ ...options, fetch: dispatcher(options) });
  return {
    bind: binding.bind,
    open(native) {
      assertBound(options, native);
      return attach(options, native);
    },
  };
}

function attach({ entries, clock }: ListenerOptions, native: NativeServer): Listener {
  const released = new Set<Door>();
  const isReleased = () => released.size === entries.length;
  // A server that fails to stop has nothing left that we could do about it.
  const stop = () => void native.stop().catch(() => {});
  for (const { door } of entries) {
    door.attach({
      native,
      isExclusive: entries.length === 1,
      release() {
        released.add(door);
        if (isReleased()) stop();
      },
      cut() {
        // One turn later: the answers that were given in place of the service are on their way by then.
        if (isReleased()) clock.after(0, () => void native.kill());
      },
    });
  }
  return {
    urls: entries.map(({ door, plan }) => ({ service: door.service, url: urlOf(plan, native.address) })),
    kill: () => native.kill(),
  };
}

/**
 * To the runtime, a connection whose handler still works is idle. Handlers that take longer than a part of
 * the idle timeout are few: asking now and then costs nothing where two calls per request would. One timer
 * serves all addresses. Returns how to stop it.
 */
export function holdNowAndThen(entries: readonly Entry[], clock: Clock): () => void {
  const timeouts = entries.map(({ plan }) => plan.limits.idleTimeout).filter((timeout) => timeout > 0);
  if (timeouts.length === 0) return () => {};
  const period = Math.min(...timeouts) / 4;
  let cancel = clock.after(period, turn);
  function turn() {
    for (const { door } of entries) door.holdRunning();
    cancel = clock.after(period, turn);
  }
  return () => cancel();
}

type Handler = (request: Request, info: NativeInfo) => Answer | Promise<Answer>;

function dispatcher({ entries, isStopping }: ListenerOptions): Handler {
  const [only] = entries;
  if (only && entries.length === 1 && only.plan.path === "/" && only.plan.hostname === undefined) {
    return only.door.handle;
  }
  const doorOf = createRouter(
    entries.map(({ door, plan: { path, hostname } }) => ({
      path,
      target: door,
      ...(hostname === undefined ? {} : { hostname }),
    })),
  );
  return (request, info) => {
    const door = doorOf(request.url);
    if (door) return door.handle(request, info);
    return isStopping() ? withHeader(notFound(), "connection", "close") : notFound();
  };
}

function urlOf(plan: HttpPlan, bound: NativeServer["address"]): string {
  const path = plan.path === "/" ? "" : plan.path;
  if (bound.tag === "unix") return `unix:${bound.path}${path && ` ${path}`}`;
  const scheme = plan.tls ? "https" : "http";
  return `${scheme}://${plan.hostname ?? openable(bound.host)}:${bound.port}${path}`;
}

/** A wildcard address is none that a browser can open. */
function openable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

/** Entries that share an address, in order of appearance. Port 0 is a new address every time. */
export function groupByAddress(entries: readonly Entry[]): Entry[][] {
  const groups = new Map<string | Entry, Entry[]>();
  for (const entry of entries) {
    const key = keyOf(entry.plan.address) ?? entry;
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return [...groups.values()];
}

function keyOf(address: Address): string | undefined {
  if (address.tag === "unix") return address.path;
  return address.port === 0 ? undefined : `${address.host}:${address.port}`;
}
