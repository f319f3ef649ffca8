/** What the consumer of one service has done since this process began, and has in its hands now. Plain JSON. */
export interface ConsumerStats {
  readonly received: number;
  /** Handled, and told to the broker. */
  readonly done: number;
  /** Attempts that failed and are tried again. */
  readonly failed: number;
  /** Sent to the archive. */
  readonly dead: number;
  /** Went back without an attempt: because of a stop, or to wait for an earlier one with the same key. */
  readonly released: number;
  /** Another had them when they were to be settled: somebody does them again. */
  readonly lost: number;
  /** Handlers that run. */
  readonly active: number;
  /** Messages that are here and have not begun. */
  readonly buffered: number;
  /** Keys with a message that is to be tried again, or takes long, and others that wait in the broker for it. */
  readonly blockedKeys: number;
  /** How long the oldest of `buffered` has waited since it was due, in milliseconds. */
  readonly lag: number;
  /** From when a message was due to the call of its handler. */
  readonly latency: Histogram;
  /** Of the handlers. */
  readonly duration: Histogram;
  /** Absent where it makes no groups. */
  readonly groups?: GroupStats;
}

/** Groups whose tasks `aggregate` could not make one. */
export interface GroupStats {
  /** Calls that failed. */
  readonly failed: number;
  /** Groups that have failed and not been made one since. */
  readonly failing: number;
  /** Of the newest failure; it stays when that group has been made one. */
  readonly lastError?: {
    readonly queue: string;
    readonly group: string;
    readonly error: string;
    /** Milliseconds since 1970. */
    readonly at: number;
  };
}

export interface Histogram {
  /** How many fell into each of `bucketBounds`, and as the last one how many were longer. Not cumulative. */
  readonly counts: readonly number[];
  /** Of all of them, in milliseconds. */
  readonly sum: number;
}

/** Upper bounds in milliseconds, inclusive. */
export const bucketBounds: readonly number[] = [
  1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000,
];

export function newCounts(): number[] {
  return new Array<number>(bucketBounds.length + 1).fill(0);
}

export function bucketOf(ms: number): number {
  let index = 0;
  while (index < bucketBounds.length && ms > (bucketBounds[index] as number)) index++;
  return index;
}
