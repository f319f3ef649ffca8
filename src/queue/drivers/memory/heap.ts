/** Something that has a place in a queue: the time at which it became due, then the order of arrival. */
export interface Placed {
  readonly due: number;
  readonly seq: number;
}

/** A binary heap, the earliest place first. */
export class Heap<T extends Placed> {
  #items: T[] = [];

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(item, items[above] as T)) break;
      items[at] = items[above] as T;
      at = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      const right = below + 1;
      if (right < items.length && isBefore(items[right] as T, items[below] as T)) below = right;
      if (!isBefore(items[below] as T, last)) break;
      items[at] = items[below] as T;
      at = below;
    }
    items[at] = last;
    return first;
  }
}

function isBefore(a: Placed, b: Placed): boolean {
  return a.due < b.due || (a.due === b.due && a.seq < b.seq);
}
