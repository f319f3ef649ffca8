/** Where something stands in a heap: what `remove` needs. */
export interface HeapEntry<T> {
  readonly at: number;
  readonly value: T;
  index: number;
}

/** The earliest first. Adding and removing cost the logarithm of how many there are. */
export class Heap<T> {
  readonly #entries: HeapEntry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  get first(): HeapEntry<T> | undefined {
    return this.#entries[0];
  }

  add(at: number, value: T): HeapEntry<T> {
    const entry = { at, value, index: this.#entries.length };
    this.#entries.push(entry);
    this.#rise(entry);
    return entry;
  }

  /** An entry that is not there any more is left alone. */
  remove(entry: HeapEntry<T>): void {
    const entries = this.#entries;
    if (entries[entry.index] !== entry) return;
    const last = entries.pop() as HeapEntry<T>;
    if (last !== entry) {
      this.#put(last, entry.index);
      this.#rise(last);
      this.#sink(last);
    }
    entry.index = -1;
  }

  #put(entry: HeapEntry<T>, index: number): void {
    this.#entries[index] = entry;
    entry.index = index;
  }

  #rise(entry: HeapEntry<T>): void {
    while (entry.index > 0) {
      const parent = this.#entries[(entry.index - 1) >> 1] as HeapEntry<T>;
      if (parent.at <= entry.at) return;
      const { index } = entry;
      this.#put(entry, parent.index);
      this.#put(parent, index);
    }
  }

  #sink(entry: HeapEntry<T>): void {
    for (;;) {
      const left = this.#entries[entry.index * 2 + 1];
      const right = this.#entries[entry.index * 2 + 2];
      const child = left && right && right.at < left.at ? right : left;
      if (!child || child.at >= entry.at) return;
      const { index } = entry;
      this.#put(entry, child.index);
      this.#put(child, index);
    }
  }
}
