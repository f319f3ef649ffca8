/** Keeps the last entries, as many as fit both limits. */
export interface Ring<T> {
  readonly bytes: number;
  readonly length: number;
  /** `bytes` is what the entry counts for. */
  push(entry: T, bytes: number): void;
  /** The newest `count` entries, oldest first. */
  last(count: number): T[];
  /** Forgets the older half. */
  halve(): void;
}

export interface RingLimits {
  readonly entries: number;
  readonly bytes: number;
}

export function createRing<T>(limits: RingLimits): Ring<T> {
  let entries: { readonly entry: T; readonly bytes: number }[] = [];
  /** Where the oldest entry is: taking it away must not move all others. */
  let head = 0;
  let total = 0;

  function drop(): void {
    total -= entries[head]?.bytes ?? 0;
    // biome-ignore lint/style/noNonNullAssertion: a hole of the same type, so that the entry can be collected
    entries[head] = undefined!;
    head += 1;
    if (head < 64 || head * 2 < entries.length) return;
    entries = entries.slice(head);
    head = 0;
  }

  return {
    get bytes() {
      return total;
    },
    get length() {
      return entries.length - head;
    },
    push(entry, bytes) {
      entries.push({ entry, bytes });
      total += bytes;
      // The newest stays, however large it is.
      while (entries.length - head > limits.entries || (total > limits.bytes && entries.length - head > 1))
        drop();
    },
    last(count) {
      const from = Math.max(head, entries.length - count);
      return entries.slice(from).map(({ entry }) => entry);
    },
    halve() {
      for (let left = Math.ceil((entries.length - head) / 2); left > 0; left--) drop();
    },
  };
}
