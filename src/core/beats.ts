import type { Beacon } from "./beacon.ts";
import { beaconCells, beatCells } from "./beacon.ts";

/*
 * The last beats of the main loop, in the memory of the beacon: how late each was, and whose code had run last by
 * then. Main writes them, the operator's plane reads them.
 */

export interface Beat {
  /** How much later than asked for it came, in milliseconds. */
  readonly delayMs: number;
  /** The service that ran last before it: its mark, 0 for none. */
  readonly last: number;
}

/** Adds a beat that came `delayMs` too late. */
export function recordBeat(beacon: Beacon, delayMs: number): void {
  const number = ((beacon[beaconCells.beat] as number) + 1) | 0;
  const cell = cellOf(number);
  beacon[cell] = Math.min(longestUs, Math.round(Math.max(0, delayMs) * 1_000));
  beacon[cell + 1] = beacon[beaconCells.last] as number;
  // Last, and seen last by the other thread: who sees the number sees what belongs to it.
  Atomics.store(beacon, beaconCells.beat, number);
}

/** The beats after number `after` up to number `until`, oldest first; without those that are no longer kept. */
export function readBeats(beacon: Beacon, after: number, until: number): Beat[] {
  const count = Math.min(beatCells.kept, Math.max(0, until - after));
  return Array.from({ length: count }, (_, index) => {
    const cell = cellOf(until - count + 1 + index);
    return { delayMs: (beacon[cell] as number) / 1_000, last: beacon[cell + 1] as number };
  });
}

const longestUs = 2 ** 31 - 1;

/** The first of its two: the delay in microseconds; the mark is in the next one. */
function cellOf(number: number): number {
  return beatCells.first + 2 * ((number >>> 0) % beatCells.kept);
}
