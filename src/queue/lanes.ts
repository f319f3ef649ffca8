import { Fifo } from "./fifo.ts";
import { Heap } from "./heap.ts";
import type { Item, Lane } from "./item.ts";
import type { KeyWindows } from "./rate.ts";

/**
 * What waits to be started. Only the first one of a lane that is not busy can start, and everything without a key, in
 * the order in which they came to be startable.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Fifo<Item>();
  readonly #delayed = new Heap<Lane>();
  readonly #limit: KeyWindows | undefined;
  #startable = 0;
  #waiting = 0;

  constructor(limit?: KeyWindows) {
    this.#limit = limit;
  }

  /** Lanes that exist. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Messages that are here and have not begun. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many of those that wait could be started, the followers in their lanes included. */
  get startable(): number {
    return this.#startable;
  }

  /** Since when the first one of those can be started. */
  get readySince(): number | undefined {
    return this.#ready.peek()?.readyAt;
  }

  /** When a lane may go on whose rate was used up. */
  get nextAt(): number | undefined {
    return this.#delayed.first?.at;
  }

  add(item: Item, now: number): void {
    const { laneId } = item;
    this.#waiting++;
    if (laneId === undefined) {
      this.#startable++;
      this.#enqueue(item, now);
      return;
    }
    const lane = this.#lanes.get(laneId) ?? this.#open(laneId);
    item.lane = lane;
    if (lane.tail) lane.tail.next = item;
    else lane.head = item;
    lane.tail = item;
    lane.count++;
    if (lane.isBusy || lane.delayed) return;
    this.#startable++;
    if (lane.count === 1) this.#enqueue(item, now);
  }

  /** The first one that waits in a lane. */
  peek(laneId: string): Item | undefined {
    return this.#lanes.get(laneId)?.head;
  }

  /** Those whose first one has waited since then or longer; the one in which the most wait is the first. */
  waitingSince(since: number): Lane[] {
    const lanes = [...this.#lanes.values()].filter(({ head }) => head && head.receivedAt <= since);
    return lanes.sort((one, other) => other.count - one.count);
  }

  /** Since when the first one of a lane has waited, the earliest after `since`. */
  waitingAfter(since: number): number | undefined {
    let earliest: number | undefined;
    for (const { head } of this.#lanes.values()) {
      if (head && head.receivedAt > since) earliest = Math.min(earliest ?? head.receivedAt, head.receivedAt);
    }
    return earliest;
  }

  /** Takes out all but the first `kept` that wait in a lane, in their order; of one that cannot go on now. */
  cut(lane: Lane, kept: number): Item[] {
    const items: Item[] = [];
    let last: Item | undefined;
    let item = lane.head;
    for (let index = 0; item; index++) {
      const { next } = item;
      if (index < kept) last = item;
      else {
        item.waiting = false;
        item.next = undefined;
        items.push(item);
      }
      item = next;
    }
    if (last) last.next = undefined;
    else lane.head = undefined;
    lane.tail = last;
    lane.count -= items.length;
    this.#waiting -= items.length;
    return items;
  }

  /** Takes up to `max`, those of one lane one after the other; their lanes are busy until `free`. */
  take(max: number, now: number): Item[] {
    this.#wake(now);
    const taken: Item[] = [];
    while (taken.length < max) {
      const item = this.#ready.shift();
      if (!item) break;
      if (item.lane) this.#drain(item.lane, taken, max, now);
      else {
        this.#startable--;
        taken.push(item);
      }
    }
    for (const item of taken) item.waiting = false;
    this.#waiting -= taken.length;
    return taken;
  }

  /** Its lane may go on; that of several which were taken together needs to hear of one of them only. */
  free({ lane }: Item, now: number): void {
    if (!lane?.isBusy) return;
    lane.isBusy = false;
    lane.running = undefined;
    this.#offer(lane, now);
  }

  /** Takes out one that waits; linear in how many wait. */
  remove(item: Item, now: number): void {
    item.waiting = false;
    const { lane } = item;
    if (!lane) {
      this.#startable--;
      this.#waiting--;
      this.#ready.remove(item);
      return;
    }
    const rest = this.clear(lane.id).filter((other) => other !== item);
    for (const other of rest) {
      other.waiting = true;
      other.next = undefined;
      this.add(other, now);
    }
  }

  /** Takes out all that wait in a lane, in their order. */
  clear(laneId: string): Item[] {
    const lane = this.#lanes.get(laneId);
    if (!lane) return [];
    const items: Item[] = [];
    for (let item = lane.head; item; item = item.next) {
      item.waiting = false;
      items.push(item);
    }
    if (lane.delayed) this.#delayed.remove(lane.delayed);
    else if (!lane.isBusy) this.#withdraw(lane);
    lane.delayed = undefined;
    lane.head = undefined;
    lane.tail = undefined;
    lane.count = 0;
    this.#waiting -= items.length;
    if (!lane.isBusy) this.#lanes.delete(laneId);
    return items;
  }

  /** Takes out all that wait: lane after lane, each in its order, and then those without a key. */
  clearAll(): Item[] {
    const items = [...this.#lanes.keys()].flatMap((id) => this.clear(id));
    for (let item = this.#ready.shift(); item; item = this.#ready.shift()) {
      item.waiting = false;
      items.push(item);
    }
    this.#startable = 0;
    this.#waiting = 0;
    return items;
  }

  #open(id: string): Lane {
    const lane: Lane = {
      id,
      head: undefined,
      tail: undefined,
      count: 0,
      isBusy: false,
      running: undefined,
      delayed: undefined,
    };
    this.#lanes.set(id, lane);
    return lane;
  }

  #enqueue(item: Item, now: number): void {
    item.readyAt = now;
    this.#ready.push(item);
  }

  #withdraw(lane: Lane): void {
    this.#startable -= lane.count;
    if (lane.head) this.#ready.remove(lane.head);
  }

  /** The lane can go on: with its next one, or not at all. */
  #offer(lane: Lane, now: number): void {
    if (!lane.head) return void this.#lanes.delete(lane.id);
    this.#startable += lane.count;
    this.#enqueue(lane.head, now);
  }

  #drain(lane: Lane, taken: Item[], max: number, now: number): void {
    this.#startable -= lane.count;
    while (lane.head && taken.length < max) {
      const at = this.#limit?.nextAt(lane.id, now) ?? now;
      if (at > now) {
        // One that is taken makes the lane busy: its time is asked for again when it is free.
        if (!lane.isBusy) lane.delayed = this.#delayed.add(at, lane);
        return;
      }
      this.#limit?.take(lane.id, now);
      const item = this.#shift(lane, lane.head);
      lane.running ??= item;
      lane.isBusy = true;
      taken.push(item);
    }
  }

  #shift(lane: Lane, item: Item): Item {
    lane.head = item.next;
    if (!lane.head) lane.tail = undefined;
    lane.count--;
    item.next = undefined;
    return item;
  }

  #wake(now: number): void {
    for (let first = this.#delayed.first; first && first.at <= now; first = this.#delayed.first) {
      this.#delayed.remove(first);
      first.value.delayed = undefined;
      this.#offer(first.value, now);
    }
  }
}
