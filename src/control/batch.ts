/** Gathers what is to cross to another thread, so that one message carries a whole turn of the loop. */
export interface Batch<T> {
  /** `size` counts towards the limit, in characters. */
  add(item: T, size: number): void;
  /** Sends what is there now. */
  flush(): void;
  /** Sends nothing until `release` is called. */
  hold(): void;
  release(): void;
}

export interface BatchOptions<T> {
  /** `dropped` is how many older items did not fit. */
  readonly send: (items: readonly T[], dropped: number) => void;
  readonly most: { readonly items: number; readonly characters: number };
  /** The time in milliseconds, on a clock that never jumps. */
  readonly now: () => number;
  /** Calls back at the end of this turn, and after `delayMs`. */
  readonly soon: (callback: () => void) => void;
  readonly later: (callback: () => void, delayMs: number) => void;
}

/** Under load one message in so many milliseconds has to do; otherwise a service may freeze the loop any moment. */
const paceMs = 10;

export function createBatch<T>(options: BatchOptions<T>): Batch<T> {
  const { send, most, now, soon, later } = options;
  let items: { readonly item: T; readonly size: number }[] = [];
  let characters = 0;
  let dropped = 0;
  let scheduled = false;
  let held = false;
  let sentAt = Number.NEGATIVE_INFINITY;

  function flush(): void {
    scheduled = false;
    if (held || items.length === 0) return;
    const taken = items.map(({ item }) => item);
    const lost = dropped;
    items = [];
    characters = dropped = 0;
    sentAt = now();
    send(taken, lost);
  }

  function schedule(): void {
    if (scheduled || held) return;
    scheduled = true;
    const wait = sentAt + paceMs - now();
    if (wait > 0) later(flush, wait);
    else soon(flush);
  }

  /** Half at once: to move all of them for each new one would cost more than the message. */
  function shrink(): void {
    const half = Math.ceil(items.length / 2);
    for (const { size } of items.splice(0, half)) characters -= size;
    dropped += half;
  }

  return {
    add(item, size) {
      items.push({ item, size });
      characters += size;
      if (items.length > 1 && (items.length > most.items || characters > most.characters)) shrink();
      schedule();
    },
    flush,
    hold() {
      held = true;
    },
    release() {
      held = false;
      flush();
    },
  };
}
