/** Time, as an argument: unit tests own it (`test/support/fake-clock.ts`). */
export interface Clock {
  /** Milliseconds on a clock that never jumps; only differences mean something. */
  now(): number;
  /** Milliseconds since 1970, for records that people read. */
  wall(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

// Taken before service code runs: observe/beacon wraps the global timers to know whose callback is running.
const { setTimeout, clearTimeout } = globalThis;

/** A timer for longer than this, in milliseconds, fires at once. */
export const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: afterBy({ setTimeout, clearTimeout }),
};

/** A clock's `after` by timers of a runtime, for any delay: a long one takes several of them, one after the other. */
export function afterBy<T>(timers: {
  setTimeout(callback: () => void, delayMs: number): T;
  clearTimeout(timer: T): void;
}): Clock["after"] {
  return (delayMs, callback) => {
    let timer = wait(delayMs);
    function wait(left: number): T {
      if (!(left > longestTimer)) return timers.setTimeout(callback, left);
      return timers.setTimeout(() => {
        timer = wait(left - longestTimer);
      }, longestTimer);
    }
    return () => timers.clearTimeout(timer);
  };
}

/** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
