import type { Beacon } from "../core/beacon.ts";
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { defaultHttpLimits } from "../core/defaults.ts";
import type { SupervisorEvent } from "../core/events.ts";
import type { HttpPlan } from "../core/plan.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Intake } from "../service/intake.ts";
import { scopes } from "../service/scope.ts";
import { bindAll } from "./bind-all.ts";
import type { Door } from "./door.ts";
import { createDoor } from "./door.ts";
import { endOfStart } from "./end-of-start.ts";
import type { Entry, Listener } from "./listener.ts";
import { groupByAddress, holdNowAndThen } from "./listener.ts";

export interface HttpService {
  readonly name: string;
  readonly http?: HttpPlan;
}

export interface HttpPlaneOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly beacon: Beacon;
  /** Milliseconds that event streams and WebSockets have to end when their service drains. */
  readonly streamsTimeout: number;
  readonly services: readonly HttpService[];
  /** Called for each service, once all addresses are bound. */
  onListening(service: string | undefined, url: string): void;
}

/** Every HTTP listener of the process, and the doors behind them. */
export interface HttpPlane {
  /**
   * Binds every address, before any service starts: from here on they answer 503 until a service opens. On sockets of
   * systemd, requests wait for that, until `follow` hears that it will not be.
   * Rejects with a ProblemsError that holds all bind errors; then nothing is bound.
   */
  bind(): Promise<void>;
  /** The same object for the service's whole life, across generations. */
  intake(service: string): Intake;
  /** A call within the process, without a network. 503 with Retry-After while the service is not open. */
  call(service: string, request: Request): Promise<Response>;
  /** Whether a generation of the service takes requests, or would if it were not paused. */
  isOpen(service: string): boolean;
  /**
   * Prepares a change of plan: binds the addresses that are new. Rejects with a ProblemsError that holds all bind
   * errors; then nothing has changed. One update at a time, each ended by `release` or `rollback`.
   */
  update(services: readonly HttpService[]): Promise<HttpUpdate>;
  /** Hears what becomes of the services: those who wait for one whose first start fails are refused. */
  follow(event: SupervisorEvent): void;
  /**
   * The group's stop has begun: every response from now on says `Connection: close`. Resolves when requests
   * that had been sent before that have been read; closing a listener earlier would drop them unread.
   */
  stopping(budgetMs: number): Promise<void>;
  /** Closes whatever is still open. Safe to call twice, and without `bind`. */
  closeAll(): Promise<void>;
}

/** A change of plan whose new addresses are bound. */
export interface HttpUpdate {
  /**
   * Addresses lead where the new plan says. Services that stay keep their doors and connections; new limits hold from
   * the next generation on, a new idle timeout when the address is bound again. What nobody uses any more goes on
   * as before until `release`.
   */
  commit(): void;
  /** After `commit`: lets go of addresses and services that the new plan does not have. */
  release(): Promise<void>;
  /** Instead of `commit`: lets go of the new addresses. */
  rollback(): Promise<void>;
}

/** A few turns of the loop: what clients sent before the stop is in the socket buffers, and is read in these. */
const readAheadMs = 5;
/** Of the stop's budget, at most this goes by before the first service is asked to stop. */
const listeningShare = 1 / 4;
/** How long connections to an address that is given up may take to end. */
const farewellMs = 1_000;

export function createHttpPlane(options: HttpPlaneOptions): HttpPlane {
  const { clock, runtime } = options;
  const isStopping = () => stopping;
  const doors = new Map<string, Door>();
  let stopping = false;
  let { services: current } = options;
  let entries = options.services.flatMap((service) => entriesOf(service, newDoor(service)));
  let listeners = new Map<string, Listener>();
  let unwatch = () => {};
  let letGo = () => {};

  function newDoor(service: HttpService): Door {
    const door = createDoor({ ...options, ...settingsOf(service), service: service.name, isStopping });
    doors.set(service.name, door);
    return door;
  }
  function doorOf(service: string): Door {
    const door = doors.get(service);
    if (!door) throw new RangeError(`No service has the name "${service}"`);
    return door;
  }
  function lead(groups: ReadonlyMap<string, readonly Entry[]>, fresh: ReadonlyMap<string, Listener>): void {
    for (const [key, group] of groups) {
      const listener = listeners.get(key);
      // Whoever is not concerned is not touched: a reload of one service must not cost what a thousand do.
      if (listener && (fresh.has(key) || !hasSameRoutes(listener.entries, group))) listener.lead(group);
    }
    for (const { urls } of fresh.values()) {
      for (const { service, url } of urls) options.onListening(service, url);
    }
    letGo();
    letGo = holdNowAndThen(entries, clock);
  }

  async function update(services: readonly HttpService[]): Promise<HttpUpdate> {
    if (hasSameHttp(current, services)) return nothingToUpdate;
    const before = [...doors.keys()];
    const next = services.flatMap((service) =>
      entriesOf(service, doors.get(service.name) ?? newDoor(service)),
    );
    const groups = groupByAddress(next);
    const added = services.filter(({ name }) => !before.includes(name)).map(({ name }) => name);
    const forget = () => added.forEach((name) => void doors.delete(name));
    let fresh: Map<string, Listener>;
    try {
      assertSameCertificates(groups, listeners);
      for (const [key, group] of groups) {
        if (group[0]?.plan.address.tag === "systemd") listeners.get(key)?.assertPlace(group);
      }
      fresh = await bindAll(new Map([...groups].filter(([key]) => !listeners.has(key))), {
        runtime,
        clock,
        isStopping,
      });
    } catch (error) {
      forget();
      throw error;
    }
    return {
      commit() {
        current = services;
        entries = next;
        listeners = new Map([...listeners, ...fresh]);
        for (const service of services) doors.get(service.name)?.configure(settingsOf(service));
        for (const { name, http } of services) if (!http) doors.get(name)?.attach(undefined);
        lead(groups, fresh);
      },
      async release() {
        const unused = [...listeners].filter(([key]) => !groups.has(key));
        listeners = new Map([...listeners].filter(([key]) => groups.has(key)));
        const stays = new Set(services.map(({ name }) => name));
        for (const name of before) if (!stays.has(name)) doors.delete(name);
        await Promise.all(unused.map(([, listener]) => farewell(listener, clock)));
      },
      async rollback() {
        forget();
        await Promise.all([...fresh.values()].map((listener) => listener.kill()));
      },
    };
  }

  return {
    async bind() {
      const groups = groupByAddress(entries);
      listeners = await bindAll(groups, { runtime, clock, isStopping });
      lead(groups, listeners);
      unwatch = runtime.watchUpgrades(() => ownerOf(doors.values()));
    },
    intake: doorOf,
    call: async (service, request) => doorOf(service).call(request),
    isOpen: (service) => doorOf(service).isOpen,
    update,
    follow(event) {
      const service = endOfStart(event);
      if (service !== undefined) doors.get(service)?.dismiss();
    },
    async stopping(budgetMs) {
      stopping = true;
      for (const door of doors.values()) door.dismiss();
      await Promise.all(
        [...listeners.values()].map((listener) => listener.quiesce(budgetMs * listeningShare)),
      );
      if (listeners.size > 0) await sleep(clock, readAheadMs);
    },
    async closeAll() {
      unwatch();
      letGo();
      for (const door of doors.values()) door.cut();
      // One turn: the answers that were just given in place of services are on their way then.
      if (listeners.size > 0) await sleep(clock, 0);
      await Promise.all([...listeners.values()].map((listener) => listener.kill()));
      listeners = new Map();
    },
  };
}

function entriesOf({ http }: HttpService, door: Door): Entry[] {
  return http ? [{ door, plan: http }] : [];
}

/** By identity: a plan that was read again keeps the objects that say the same. */
function hasSameHttp(some: readonly HttpService[], others: readonly HttpService[]): boolean {
  if (some.length !== others.length) return false;
  return some.every(({ name, http }, index) => others[index]?.name === name && others[index].http === http);
}

const nothingToUpdate: HttpUpdate = { commit() {}, async release() {}, async rollback() {} };

function settingsOf({ http }: HttpService) {
  return { hasAddress: http !== undefined, limits: http?.limits ?? defaultHttpLimits };
}

function hasSameRoutes(some: readonly Entry[], others: readonly Entry[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ door, plan }, index) => {
      const other = others[index];
      return other?.door === door && other.plan.path === plan.path && other.plan.hostname === plan.hostname;
    })
  );
}

/** An address has its certificate from when it was bound, and cannot be bound twice. */
function assertSameCertificates(
  groups: ReadonlyMap<string, readonly Entry[]>,
  listeners: ReadonlyMap<string, Listener>,
): void {
  const problems = [...groups].flatMap(([key, entries]): Problem[] => {
    const bound = listeners.get(key)?.entries[0]?.plan.tls;
    const other = entries.find(({ plan: { tls } }) => tls?.cert !== bound?.cert || tls?.key !== bound?.key);
    if (!listeners.has(key) || !other) return [];
    const { service } = other.door;
    const message = `The certificate of ${key} (service "${service}") cannot change while it is bound`;
    const hint = `Restart the supervisor, or give services.${service}.http another port.`;
    return [{ code: "UNSUPPORTED", message, hint }];
  });
  if (problems.length > 0) throw new ProblemsError(problems);
}

async function farewell(listener: Listener, clock: Clock): Promise<void> {
  await within(clock, clock.now() + farewellMs, listener.stop());
  await listener.kill();
}

function ownerOf(doors: Iterable<Door>) {
  const scope = scopes.getStore();
  if (!scope) return undefined;
  for (const door of doors) {
    const owner = door.ownerOf(scope);
    if (owner) return owner;
  }
  return undefined;
}
