import type { Clock } from "../core/clock.ts";
import type { HttpPlan } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { Answer, NativeInfo, NativeServer, Runtime } from "../runtime/runtime.ts";
import { assertBound, prepareBinding } from "./bind.ts";
import type { Door, Entrance } from "./door.ts";
import { notFound, withHeader } from "./reply.ts";
import { createRouter } from "./route.ts";

/** One service behind an address. */
export interface Entry {
  readonly door: Door;
  readonly plan: HttpPlan;
}

/** One bound address with the doors that it leads to. */
export interface Listener {
  readonly entries: readonly Entry[];
  /** What a person can open, for each service behind it. */
  readonly urls: readonly { readonly service: string; readonly url: string }[];
  /** @throws SupervisorError SOCKET_NOT_PASSED when these want a socket of systemd elsewhere than it is. */
  assertPlace(entries: readonly Entry[]): void;
  /** From now on the address leads to these, and their doors know of it. */
  lead(entries: readonly Entry[]): void;
  /**
   * Where somebody else takes over: new connections wait for them from now on. Closes nothing. Resolves when clients
   * have heard of the stop, after `longestMs` at the latest. Never rejects.
   */
  quiesce(longestMs: number): Promise<void>;
  /** Takes no new connections; resolves when the last request has its answer. Never rejects. */
  stop(): Promise<void>;
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
  /** A listener on what `bind` gave; no door knows of it before `lead`. @throws SupervisorError when that is not the address asked for. */
  open(native: NativeServer): Listener;
}

/** @throws SupervisorError when a certificate rules the address out. */
export function prepareListener(options: ListenerOptions): PreparedListener {
  let dispatch = dispatcher(options);
  const binding = prepareBinding({ ...options, fetch: (request, info) => dispatch(request, info) });
  return {
    bind: binding.bind,
    open(native) {
      assertBound(options, native);
      return listenerOn(native, options, (entries) => {
        dispatch = dispatcher({ ...options, entries });
      });
    },
  };
}

function listenerOn(
  native: NativeServer,
  options: ListenerOptions,
  route: (entries: readonly Entry[]) => void,
): Listener {
  let { entries } = options;
  const released = new Set<Door>();
  const isReleased = () => entries.every(({ door }) => released.has(door));
  // A server that fails to stop has nothing left that we could do about it.
  const stop = () => native.stop().catch(() => {});
  function entranceOf(door: Door): Entrance {
    return {
      native,
      isExclusive: entries.length === 1,
      isInherited: entries.some(({ plan }) => plan.address.tag === "systemd"),
      async release() {
        released.add(door);
        if (isReleased()) await stop();
      },
      cut() {
        // One turn later: the answers that were given in place of the service are on their way by then.
        if (isReleased()) options.clock.after(0, () => void native.kill());
      },
    };
  }
  return {
    get entries() {
      return entries;
    },
    get urls() {
      return entries.map(({ door, plan }) => ({ service: door.service, url: urlOf(plan, native.address) }));
    },
    assertPlace: (next) => assertBound({ entries: next }, native),
    lead(next) {
      entries = next;
      route(next);
      for (const { door } of next) door.attach(entranceOf(door));
    },
    quiesce: async (longestMs) => native.quiesce?.(longestMs),
    stop,
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

/** Entries by address, in order of appearance. Port 0 is a new address for every service. */
export function groupByAddress(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return groups;
}

function keyOf({ plan, door }: Entry): string {
  const { address } = plan;
  if (address.tag === "tcp" && address.port === 0) return `${formatAddress(address)} of ${door.service}`;
  return formatAddress(address);
}
