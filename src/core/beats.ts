import type { Beacon } from "./beacon.ts";
import { beaconCells, beatCells } from "./beacon.ts";

/*
 * The last beats of the main loop, in the memory of the beacon: how late each was, and whose code had run last by
 * then. Main writes them, the operator's plane reads them.
 */

export interface Beat {
  /** How much later than asked for it came, in milliseconds. */
  readonly delayMs: number;
  /** The service that ran last before it, and not long before: its mark, 0 for none. */
  readonly last: number;
}

/**
 * So many beats, a second of them, a service stands for what goes on behind its awaits, which nobody sees. Later it
 * is idle: what delays the loop then is something else, a busy machine most of all.
 */
const standsFor = 20;

/** Adds a beat that came `delayMs` too late. */
export function recordBeat(beacon: Beacon, delayMs: number): void {
  const number = ((beacon[beaconCells.beat] as number) + 1) | 0;
  const cell = cellOf(number);
  beacon[cell] = Math.min(longestUs, Math.round(Math.max(0, delayMs) * 1_000));
  beacon[cell + 1] = lastBy(beacon, number);
  // Last, and seen last by the other thread: who sees the number sees what belongs to it.
  Atomics.store(beacon, beaconCells.beat, number);
}

/** The service that was entered last, however long ago. */
export function lastEntered(beacon: Beacon): number {
  return (beacon[beaconCells.last] as number) || (beacon[beaconCells.earlier] as number);
}

/** The beats after number `after` up to number `until`, oldest first; without those that are no longer kept. */
export function readBeats(beacon: Beacon, after: number, until: number): Beat[] {
  const count = Math.min(beatCells.kept, Math.max(0, until - after));
  return Array.from({ length: count }, (_, index) => {
    const cell = cellOf(until - count + 1 + index);
    return { delayMs: (beacon[cell] as number) / 1_000, last: beacon[cell + 1] as number };
  });
}

function lastBy(beacon: Beacon, number: number): number {
  const { last, earlier, earlierAt } = beaconCells;
  const mark = beacon[last] as number;
  if (mark !== 0) {
    beacon[earlier] = mark;
    beacon[earlierAt] = number;
    beacon[last] = 0;
    return mark;
  }
  const age = (number - (beacon[earlierAt] as number)) | 0;
  return age <= standsFor ? (beacon[earlier] as number) : 0;
}

const longestUs = 2 ** 31 - 1;

/** The first of its two: the delay in microseconds; the mark is in the next one. */
function cellOf(number: number): number {
  return beatCells.first + 2 * ((number >>> 0) % beatCells.kept);
}
