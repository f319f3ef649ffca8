/** The threads that serve. */
export interface Rotation<T> {
  add(thread: T): void;
  remove(thread: T): void;
  all(): readonly T[];
  /** The least busy one; among equals the next in turn, so that idle threads share what comes. */
  next(): T | undefined;
  readonly size: number;
}

export function createRotation<T>(busy: (thread: T) => number): Rotation<T> {
  let threads: readonly T[] = [];
  let turn = -1;
  return {
    add(thread) {
      threads = [...threads, thread];
    },
    remove(thread) {
      threads = threads.filter((each) => each !== thread);
    },
    all: () => threads,
    next() {
      let best = -1;
      let least = Number.POSITIVE_INFINITY;
      for (let step = 1; step <= threads.length; step++) {
        const index = (turn + step) % threads.length;
        const load = busy(threads[index] as T);
        if (load >= least) continue;
        best = index;
        least = load;
      }
      turn = best;
      return threads[best];
    },
    get size() {
      return threads.length;
    },
  };
}
