import type { Ordered } from "./order.ts";
import { startOrder } from "./order.ts";
import type { ShutdownPlan } from "./plan.ts";

/** One service's place in the stop. Times are milliseconds; offsets count from the signal. */
export interface Rung {
  readonly service: string;
  /** Its turn comes when these have ended. */
  readonly after: readonly string[];
  /** The longest it may take, however much of the budget is left. */
  readonly timeout: number;
  /** What it has even when every service before it uses all of its own time. */
  readonly guaranteed: number;
  /** It is cut off at this offset at the latest, so that every later one keeps what is guaranteed to it. */
  readonly latestEnd: number;
}

export interface Ladder {
  /** In the order of the stop. */
  readonly rungs: readonly Rung[];
  /** How far the explicit deadlines exceed the budget; 0 when they fit. */
  readonly excess: number;
}

export interface LadderService extends Ordered {
  readonly stopTimeout?: number;
}

export type Budget = Pick<ShutdownPlan, "timeout" | "delay" | "order">;

/** Used when services.yaml names no stop_timeout, and the budget has room for it. */
export const defaultStopTimeout = 10_000;
/** Kept at the end of the budget for the operator's plane and the last lines of the log. */
export const closingTime = (timeout: number): number => Math.min(500, timeout / 20);
const smallestShare = 10;

/**
 * Divides one budget among all services: explicit deadlines are kept, the others share what is left. Time
 * that a service does not use goes to the next ones, never beyond their own timeout. `started` is the order
 * in which they really started, when that is known.
 */
export function stopLadder(
  services: readonly LadderService[],
  shutdown: Budget,
  started: readonly LadderService[] = startOrder(services),
): Ladder {
  const order = [...started].reverse();
  const after = shutdown.order === "reverse" ? afterThePrevious(order) : afterDependents(order);
  const available = availableTime(shutdown);
  const need = needs(order, shutdown.order);
  const share = largestShare(need, available);
  const guaranteed = (service: LadderService) => service.stopTimeout ?? share;
  const latestEnd = latestEnds(order, after, guaranteed, available + shutdown.delay);
  return {
    excess: stopExcess(services, shutdown),
    rungs: order.map((service) => ({
      service: service.name,
      after: after.get(service.name) ?? [],
      timeout: service.stopTimeout ?? defaultStopTimeout,
      guaranteed: whole(guaranteed(service)),
      latestEnd: whole(latestEnd.get(service.name) as number),
    })),
  };
}

/** How far the explicit deadlines exceed the budget; 0 when they fit. The ladder without its rungs. */
export function stopExcess(services: readonly LadderService[], shutdown: Budget): number {
  const need = needs(
    shutdown.order === "reverse" ? services : startOrder(services).reverse(),
    shutdown.order,
  );
  return Math.max(0, Math.ceil(need(smallestShare) - availableTime(shutdown)));
}

function availableTime({ timeout, delay }: Budget): number {
  return timeout - delay - closingTime(timeout);
}

/** How long the stop takes at most when every service without a deadline of its own has `share`. */
function needs(order: readonly LadderService[], how: Budget["order"]): (share: number) => number {
  if (how === "graph") {
    const after = afterDependents(order);
    return (share) => longest(order, after, (service) => service.stopTimeout ?? share);
  }
  let explicit = 0;
  let sharing = 0;
  for (const { stopTimeout } of order) {
    if (stopTimeout === undefined) sharing++;
    else explicit += stopTimeout;
  }
  return (share) => explicit + sharing * share;
}

function afterThePrevious(order: readonly LadderService[]): Map<string, string[]> {
  return new Map(
    order.map((service, index) => [
      service.name,
      index === 0 ? [] : [(order[index - 1] as LadderService).name],
    ]),
  );
}

function afterDependents(order: readonly LadderService[]): Map<string, string[]> {
  const after = new Map(order.map((service) => [service.name, [] as string[]]));
  for (const service of order) {
    for (const need of Object.keys(service.dependsOn)) after.get(need)?.push(service.name);
  }
  return after;
}

/** The end of the last service when each takes `cost`. */
function longest(
  order: readonly LadderService[],
  after: Map<string, string[]>,
  cost: (service: LadderService) => number,
): number {
  const end = new Map<string, number>();
  let last = 0;
  for (const service of order) {
    let start = 0;
    for (const before of after.get(service.name) ?? []) start = Math.max(start, end.get(before) ?? 0);
    end.set(service.name, start + cost(service));
    last = Math.max(last, start + cost(service));
  }
  return last;
}

/** Bisects, because with `order: graph` the longest path itself depends on the share. */
function largestShare(need: (share: number) => number, available: number): number {
  if (need(defaultStopTimeout) <= available) return defaultStopTimeout;
  let low = 0;
  let high = defaultStopTimeout;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (need(middle) <= available) low = middle;
    else high = middle;
  }
  return low;
}

/** Downwards, but not because the bisection ended a hair below a whole millisecond. */
function whole(ms: number): number {
  return Math.floor(ms + 1e-6);
}

function latestEnds(
  order: readonly LadderService[],
  after: Map<string, string[]>,
  guaranteed: (service: LadderService) => number,
  end: number,
): Map<string, number> {
  const latest = new Map(order.map((service) => [service.name, end]));
  for (const service of [...order].reverse()) {
    const turn = (latest.get(service.name) as number) - guaranteed(service);
    for (const before of after.get(service.name) ?? []) {
      latest.set(before, Math.min(latest.get(before) as number, turn));
    }
  }
  return latest;
}
