import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";
import type { Beat } from "../core/beats.ts";
import { readBeats } from "../core/beats.ts";

/** How late the main loop was over the last minute, in milliseconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A time in which the main loop did not turn. */
export interface Stretch {
  /** At least so long, in milliseconds: up to a pulse of it cannot be seen. */
  readonly ms: number;
  /** Whose code it was: a mark of the beacon, 0 for nobody's. */
  readonly mark: number;
  /** Its code was seen on the stack; otherwise it was the last that ran before. */
  readonly certain: boolean;
  /** Milliseconds since 1970, about when it ended. */
  readonly at: number;
}

export interface Stretches {
  /**
   * Call it every 100 ms or oftener, with the time on a clock that never jumps and since 1970: looks whose code runs,
   * and returns the stretches that have ended since the last call and are worth telling.
   */
  look(now: number, wall: number): Stretch[];
  /** Undefined before the first beat that was seen. */
  delay(): LoopDelay | undefined;
  /** The longest of a service so far. */
  longest(mark: number): Stretch | undefined;
}

/** Below this nobody is charged: timers are never on time to the millisecond. */
const chargedMs = 20;

/** A stretch of 200 ms is seen as 150 at least, because a beat comes every 50. */
const toldMs = 150;

/** A gap between two looks that can only mean that this thread did not run either. */
const ownPauseMs = 1_000;

/**
 * Finds out for how long services keep the main loop, from what it costs nothing to know: how late each beat was, and
 * samples of whose code is on the stack. Nothing of it runs on the main thread.
 */
export function createStretches(beacon: Beacon): Stretches {
  const longest = new Map<number, Stretch>();
  let seen: number | undefined;
  let begin = 0;
  let lookedAt = 0;
  /** How often each mark was on the stack since the beat `seen`. */
  let samples = new Map<number, number>();

  function look(now: number, wall: number): Stretch[] {
    const paused = now - lookedAt > ownPauseMs;
    lookedAt = now;
    const beat = Atomics.load(beacon, beaconCells.beat);
    if (seen === undefined) {
      seen = beat;
      begin = beat;
    }
    const stretches = beat === seen || paused ? [] : ended(readBeats(beacon, seen, beat), wall);
    if (beat !== seen) samples = new Map();
    seen = beat;
    const mark = Atomics.load(beacon, beaconCells.current);
    if (mark !== 0) samples.set(mark, (samples.get(mark) ?? 0) + 1);
    return stretches.filter(({ ms }) => ms >= toldMs);
  }

  /** The samples belong to the first of the beats: it is the one that was waited for. */
  function ended(beats: readonly Beat[], at: number): Stretch[] {
    return beats.flatMap(({ delayMs, last }, index) => {
      if (delayMs < chargedMs) return [];
      const sampled = index === 0 ? mostSeen(samples) : undefined;
      const stretch = { ms: delayMs, mark: sampled ?? last, certain: sampled !== undefined, at };
      charge(stretch);
      return [stretch];
    });
  }

  function charge(stretch: Stretch): void {
    const before = longest.get(stretch.mark);
    if (!before || before.ms < stretch.ms) longest.set(stretch.mark, stretch);
  }

  return {
    look,
    delay() {
      if (seen === undefined) return undefined;
      const beats = readBeats(beacon, begin, Atomics.load(beacon, beaconCells.beat));
      return beats.length === 0 ? undefined : delayOf(beats.map(({ delayMs }) => delayMs));
    },
    longest: (mark) => longest.get(mark),
  };
}

/** Whose code was seen most; undefined when no code of a service was. */
function mostSeen(samples: ReadonlyMap<number, number>): number | undefined {
  let best: number | undefined;
  for (const [mark, count] of samples) if (count > (samples.get(best ?? 0) ?? 0)) best = mark;
  return best;
}

function delayOf(delays: readonly number[]): LoopDelay {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number) =>
    tenths(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
