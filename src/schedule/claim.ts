import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Patience, StoreAccess } from "./store-access.ts";

/**
 * `ours`: nobody else runs this time. `taken`: somebody else does or did. `busy`: a run of another replica is still
 * going. `unknown`: the store has not answered in time, or the signal was aborted.
 */
export type Claim = "ours" | "taken" | "paused" | "busy" | "unknown";

/** A run of another process that has no end yet, as it was when something new was last heard of it. */
interface Other {
  readonly heard: number;
  readonly since: number;
  /** When it was last looked at. */
  readonly seen: number;
  /** A sign of life has come while it was watched. */
  readonly isAlive: boolean;
}

/** By their planned time. */
export type Others = Map<number, Other>;

export interface ClaimOptions {
  readonly entry: string;
  readonly owner: string;
  readonly access: StoreAccess;
  readonly clock: Clock;
  readonly overlap: SchedulePlan["overlap"];
  /** Called with what the store says, before anything is claimed. */
  readonly remember: (state: { readonly lastAt?: number }) => void;
  /** Kept from one claim to the next. */
  readonly others: Others;
  /** Called with a run whose process has not been heard of for too long. */
  readonly bury: (store: ScheduleStore, run: ScheduleRun) => Promise<void>;
  /** Whether the run of that time goes on in this process. */
  readonly isHere: (at: number) => boolean;
}

/** A run that goes on is written this often, so that other replicas see that it does. */
export const beatEvery = 5_000;
/** Watched for this long without a sign of life, the process of a run counts as gone. */
export const goneAfter = 15_000;
/** Who did not look for longer than this has not watched: the store may have been away. */
const longestBlink = 2 * beatEvery;
/** Far enough back for a run that goes on: what is skipped meanwhile is written once a minute at most. */
const lookBack = 100;
const busyPause = 1_000;

/** Asks for the right to run `run.at`; `waits`: until no other replica runs an earlier time. */
export async function claim(
  options: ClaimOptions,
  run: ScheduleRun,
  patience: Patience & { readonly waits: boolean },
): Promise<Claim> {
  const { access, clock } = options;
  let isWanted = true;
  for (;;) {
    const answer = await access.patiently(
      (store, again) => tryOnce(options, store, run, again, () => isWanted),
      patience,
    );
    if (answer === undefined) {
      // A try that still hangs must not claim what nobody would run.
      isWanted = false;
      return "unknown";
    }
    const { value } = answer;
    // Of a silent one it is known soon whether it goes on: no time is left out for a process that is gone.
    if (value !== "silent" && (value !== "busy" || !patience.waits)) return value;
    if (patience.signal?.aborted) return "unknown";
    if (clock.wall() + busyPause >= patience.until) return "busy";
    await sleep(clock, busyPause, patience.signal);
    if (patience.signal?.aborted) return "unknown";
  }
}

/**
 * What goes on elsewhere; `silent`: it is not known yet whether it does. A run that was watched for long enough without
 * a sign of life is buried. How old its last one is says nothing: the clocks of two machines differ, and while the store
 * was away nobody could give one.
 */
export async function lookAtOthers(
  options: ClaimOptions,
  store: ScheduleStore,
  except?: number,
): Promise<"none" | "busy" | "silent"> {
  const { entry, clock, others } = options;
  let found: "none" | "busy" | "silent" = "none";
  for (const run of await store.history(entry, lookBack)) {
    if (run.outcome !== "running" || run.at === except || options.isHere(run.at)) continue;
    const other = watch(others.get(run.at), heardOf(run), clock.now());
    others.set(run.at, other);
    if (clock.now() - other.since >= goneAfter) {
      others.delete(run.at);
      await options.bury(store, run);
    } else if (other.isAlive) found = "busy";
    else if (found === "none") found = "silent";
  }
  if (found === "none") others.clear();
  return found;
}

function watch(known: Other | undefined, heard: number, now: number): Other {
  const isWatched = known !== undefined && now - known.seen <= longestBlink;
  if (!isWatched) return { heard, since: now, seen: now, isAlive: false };
  if (known.heard === heard) return { ...known, seen: now };
  return { heard, since: now, seen: now, isAlive: true };
}

async function tryOnce(
  options: ClaimOptions,
  store: ScheduleStore,
  run: ScheduleRun,
  again: boolean,
  isWanted: () => boolean,
): Promise<Claim | "silent"> {
  const { entry, owner, overlap } = options;
  const state = await store.state(entry);
  options.remember(state);
  if (state.paused && run.cause !== "manual") return "paused";
  const going = overlap === "allow" ? "none" : await lookAtOthers(options, store, run.at);
  if (going !== "none") return going;
  if (!isWanted()) return "unknown";
  if (await store.claim(entry, run)) return "ours";
  return again && (await isOurs(store, entry, run.at, owner)) ? "ours" : "taken";
}

/** The answer to an earlier claim may have been lost on its way. */
async function isOurs(store: ScheduleStore, entry: string, at: number, owner: string): Promise<boolean> {
  const runs = await store.history(entry, lookBack);
  return runs.some((run) => run.at === at && run.owner === owner && run.outcome === "running");
}

function heardOf(run: ScheduleRun): number {
  return (run.startedAt ?? run.at) + (run.durationMs ?? 0);
}
