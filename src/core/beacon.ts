/**
 * Memory that the main thread and the operator's plane share, so that one can be seen while it is frozen.
 * Only the main thread writes `beat`, `current`, `last`, `earlier`, `earlierAt`, `started`; only the native signal handler writes `signal`.
 */
export const beaconCells = {
  /** Grows while the main loop turns. */
  beat: 0,
  /** 1 + index of the service whose code is on the stack, 0 for none. */
  current: 1,
  /** The last value of `current` that was not 0, since the last beat; 0: no service was entered since. */
  last: 2,
  /** Number of the last signal that the process received. */
  signal: 3,
  /** How many signals it received. */
  signals: 4,
  /** 1 from the moment at which the operator's plane no longer waits for the services. */
  started: 5,
  /** What `last` was before, and the number of the beat by which it had been entered. */
  earlier: 6,
  earlierAt: 7,
} as const;

export type Beacon = Int32Array<SharedArrayBuffer>;

/** Behind the cells: the last beats, a minute of them, two numbers each. See `beats.ts`. */
export const beatCells = { first: 16, kept: 1_200 } as const;

export function createBeacon(): Beacon {
  const cells = beatCells.first + 2 * beatCells.kept;
  return new Int32Array(new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT));
}

/** Runs `work` with the beacon on `mark`; restores what was there, so that calls between services nest. */
export function withMark<T>(beacon: Beacon, mark: number, work: () => T): T {
  const before = beacon[beaconCells.current] as number;
  beacon[beaconCells.current] = mark;
  beacon[beaconCells.last] = mark;
  try {
    return work();
  } finally {
    beacon[beaconCells.current] = before;
  }
}

/** Says that the operator's plane need not wait for the services any longer. */
export function announceStart(beacon: Beacon): void {
  Atomics.store(beacon, beaconCells.started, 1);
  Atomics.notify(beacon, beaconCells.started);
}

/** Blocks this thread until `announceStart` was called, at most `patienceMs` milliseconds. */
export function waitForStart(beacon: Beacon, patienceMs: number): void {
  Atomics.wait(beacon, beaconCells.started, 0, patienceMs);
}
