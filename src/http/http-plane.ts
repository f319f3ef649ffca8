import type { Beacon } from "../core/beacon.ts";
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { defaultHttpLimits } from "../core/defaults.ts";
import { SupervisorError } from "../core/errors.ts";
import type { HttpPlan } from "../core/plan.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Intake } from "../service/intake.ts";
import { scopes } from "../service/scope.ts";
import type { Door } from "./door.ts";
import { createDoor } from "./door.ts";
import type { Listener } from "./listener.ts";
import { groupByAddress, holdNowAndThen, prepareListener } from "./listener.ts";

export interface HttpPlaneOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly beacon: Beacon;
  /** Milliseconds that event streams and WebSockets have to end when their service drains. */
  readonly streamsTimeout: number;
  readonly services: readonly { readonly name: string; readonly http?: HttpPlan }[];
  /** Called for each service, once all addresses are bound. */
  onListening(service: string | undefined, url: string): void;
}

/** Every HTTP listener of the process, and the doors behind them. */
export interface HttpPlane {
  /**
   * Binds every address, before any service starts: from here on they answer 503 until a service opens.
   * Rejects with a ProblemsError that holds all bind errors; then nothing is bound.
   */
  bind(): Promise<void>;
  /** The same object for the service's whole life, across generations. */
  intake(service: string): Intake;
  /** A call within the process, without a network. 503 with Retry-After while the service is not open. */
  call(service: string, request: Request): Promise<Response>;
  /**
   * The group's stop has begun: every response from now on says `Connection: close`. Resolves when requests
   * that had been sent before that have been read; closing a listener earlier would drop them unread.
   */
  stopping(): Promise<void>;
  /** Closes whatever is still open. Safe to call twice, and without `bind`. */
  closeAll(): Promise<void>;
}

/** A few turns of the loop: what clients sent before the stop is in the socket buffers, and is read in these. */
const readAheadMs = 5;

export function createHttpPlane(options: HttpPlaneOptions): HttpPlane {
  const { runtime, clock, services } = options;
  let isStopping = false;
  let listeners: Listener[] = [];
  let unwatch = () => {};
  let letGo = () => {};
  const doors = new Map(
    services.map(({ name, http }) => [
      name,
      createDoor({
        ...options,
        service: name,
        hasAddress: http !== undefined,
        limits: http?.limits ?? defaultHttpLimits,
        isStopping: () => isStopping,
      }),
    ]),
  );
  function doorOf(service: string): Door {
    const door = doors.get(service);
    if (!door) throw new RangeError(`No service has the name "${service}"`);
    return door;
  }
  return {
    async bind() {
      const entries = services.flatMap(({ name, http }) =>
        http ? [{ door: doorOf(name), plan: http }] : [],
      );
      const errors: unknown[] = [];
      const noted = (error: unknown): undefined => void errors.push(error);
      const preparing = groupByAddress(entries).map((group) =>
        prepareListener({ runtime, clock, entries: group, isStopping: () => isStopping }),
      );
      const prepared = await Promise.allSettled(preparing);
      // In one go, and making nothing in between: see `prepareServer` of Bun's runtime.
      const natives = prepared.map((result) =>
        result.status === "fulfilled" ? attempt(result.value.bind, noted) : noted(result.reason),
      );
      listeners = prepared.flatMap((result, index) => {
        const native = natives[index];
        if (result.status === "rejected" || !native) return [];
        return attempt(() => result.value.open(native), noted) ?? [];
      });
      if (errors.length > 0) {
        await Promise.all(natives.map((native) => native?.kill()));
        listeners = [];
        throw problemsOf(errors);
      }
      letGo = holdNowAndThen(entries, clock);
      unwatch = runtime.watchUpgrades(() => ownerOf(doors.values()));
      for (const { service, url } of listeners.flatMap((listener) => listener.urls)) {
        options.onListening(service, url);
      }
    },
    intake: doorOf,
    call: async (service, request) => doorOf(service).call(request),
    async stopping() {
      isStopping = true;
      if (listeners.length > 0) await sleep(clock, readAheadMs);
    },
    async closeAll() {
      unwatch();
      letGo();
      for (const door of doors.values()) door.cut();
      // One turn: the answers that were just given in place of services are on their way then.
      if (listeners.length > 0) await sleep(clock, 0);
      await Promise.all(listeners.map((listener) => listener.kill()));
      listeners = [];
    },
  };
}

function attempt<T>(work: () => T, failed: (error: unknown) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** An error that is no bind error is a defect, and must not be hidden among those. */
function problemsOf(errors: readonly unknown[]): unknown {
  const problems = errors.filter((error) => error instanceof SupervisorError);
  return problems.length === errors.length
    ? new ProblemsError(problems)
    : errors.find((error) => !(error instanceof SupervisorError));
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
