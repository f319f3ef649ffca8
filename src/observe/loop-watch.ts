import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import { lastEntered } from "../core/beats.ts";
import { formatDuration } from "../core/duration.ts";

/** Whether the main loop turns. */
export type Loop = { readonly frozen: false } | Frozen;

export interface Frozen {
  readonly frozen: true;
  /** How long it has not turned, in milliseconds. */
  readonly forMs: number;
  /** The service whose code holds it, or was the last to run when nobody's code is known to. */
  readonly service?: string;
  /** Whether that service's code is on the stack for certain. */
  readonly certain: boolean;
  /** No service has run yet: one of these modules is being evaluated. */
  readonly loading?: readonly string[];
}

/**
 * A loop that has not turned for longer is frozen, in milliseconds. Garbage collection of a large heap may
 * take 900 of them and be nobody's fault, and the last beat may be one pulse (50) older than its begin.
 */
export const freezeMs = 1_200;

/** A gap between two looks that can only mean that this thread did not run either. */
const ownPauseMs = 1_000;

/**
 * Returns a look at the beacon: call it at least every 250 ms with the time on a clock that never jumps.
 * `services` are in the order of their marks.
 */
export function createLoopWatch(
  beacon: Beacon,
  services: readonly { readonly name: string }[],
): (now: number) => Loop {
  let beat = beacon[beaconCells.beat];
  let changedAt: number | undefined;
  let lookedAt: number | undefined;
  let frozen = false;
  return (now) => {
    const current = beacon[beaconCells.beat];
    const paused = lookedAt !== undefined && now - lookedAt > ownPauseMs && !frozen;
    // A suspended machine or one without a free core stops this thread too: that says nothing about main.
    if (current !== beat || changedAt === undefined || paused) changedAt = now;
    beat = current;
    lookedAt = now;
    const forMs = now - changedAt;
    frozen = forMs > freezeMs;
    return frozen ? { frozen: true, forMs, ...culprit(beacon, services) } : { frozen: false };
  };
}

/** @example describeFreeze({ frozen: true, forMs: 2_100, service: "x", certain: true }) // 'service "x" blocks the event loop since 2.1s' */
export function describeFreeze({ service, certain, forMs, loading }: Frozen): string {
  const since = `since ${formatDuration(forMs)}`;
  if (loading)
    return `a module that is being loaded blocks the event loop ${since}: one of ${loading.join(", ")}`;
  if (service === undefined) return `something outside of every service blocks the event loop ${since}`;
  return certain
    ? `service "${service}" blocks the event loop ${since}`
    : `the event loop is blocked ${since}, probably by service "${service}" (last active)`;
}

/** How many candidates a message names. */
const mostNames = 8;

function culprit(
  beacon: Beacon,
  services: readonly { readonly name: string }[],
): { service?: string; certain: boolean; loading?: readonly string[] } {
  const current = beacon[beaconCells.current] as number;
  const mark = current || lastEntered(beacon);
  // No service was ever entered: their modules are still being evaluated.
  if (mark === 0) return { certain: false, loading: services.slice(0, mostNames).map(({ name }) => name) };
  const name = services[mark - 1]?.name;
  return name === undefined ? { certain: false } : { service: name, certain: current !== 0 };
}
