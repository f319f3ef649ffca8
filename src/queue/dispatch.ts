import type { ConsumePlan } from "../core/plan.ts";
import { Blocks } from "./blocks.ts";
import type { Settlement, SettleResult } from "./driver.ts";
import type { Decision, Item, Unit } from "./item.ts";
import { Lanes } from "./lanes.ts";
import { KeyWindows, Window } from "./rate.ts";

export type DispatchPlan = Pick<ConsumePlan, "concurrency" | "buffer" | "batch" | "limit" | "limitPerKey">;

/**
 * Decides what of the received messages starts when, and what else becomes of them. It does nothing itself and asks no
 * clock: whoever drives it tells it what happened, starts what `take` returns, and settles what `outgoing` returns.
 *
 * Order per key: one message (or batch) of a lane runs at a time. When it is to be retried, later ones of its lane are
 * held: the broker remembers the block, this only believes in it, and is corrected when it holds something for a block
 * that the broker does not have. What goes back before its turn takes the later ones of its lane along, for they would
 * overtake it. Nothing is settled twice: the first decision about an item is the only one.
 */
export class Dispatch {
  readonly #plan: DispatchPlan;
  readonly #lanes: Lanes;
  readonly #limit: Window | undefined;
  readonly #keyLimit: KeyWindows | undefined;
  readonly #blocks = new Blocks();
  /** All that is here: waiting, running, or with a settlement that the broker has not answered. */
  readonly #hand = new Set<Item>();
  #outgoing: Item[] = [];
  #received = 0;
  #running = 0;
  #waiting = 0;
  #isOpen = false;

  constructor(plan: DispatchPlan) {
    this.#plan = plan;
    this.#limit = plan.limit && new Window(plan.limit);
    this.#keyLimit = plan.limitPerKey && new KeyWindows(plan.limitPerKey);
    this.#lanes = new Lanes(this.#keyLimit);
  }

  get hand(): ReadonlySet<Item> {
    return this.#hand;
  }
  /** Slots that are taken. */
  get running(): number {
    return this.#running;
  }
  /** Messages that are here and have not begun. */
  get waiting(): number {
    return this.#waiting;
  }
  get startable(): number {
    return this.#lanes.startable;
  }
  /** How many more may be received. */
  get room(): number {
    return this.#blocks.isReturning ? 0 : Math.max(0, this.#plan.buffer - this.#hand.size);
  }
  get blockedKeys(): number {
    return this.#blocks.size;
  }
  get hasOutgoing(): boolean {
    return this.#outgoing.length > 0;
  }
  /** Structures that exist for single keys; 0 when nothing waits, runs or is blocked. */
  get keyed(): number {
    return this.#lanes.size + this.#blocks.size;
  }

  /** What the broker remembers: the task that blocks, by lane. */
  believe(blocks: ReadonlyMap<string, string>): void {
    for (const [laneId, by] of blocks) this.#blocks.believe(laneId, by);
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Nothing starts any more; all that has not begun goes back. */
  shut(): void {
    this.#isOpen = false;
    for (const item of this.#lanes.clearAll()) this.#release(item);
    this.#waiting = 0;
  }

  /** A call that receives begins: what it brings may have been claimed at any time from now on. */
  asked(): void {
    this.#blocks.asked();
  }

  /** That call has ended, and brought these. */
  received(items: readonly Item[], now: number): void {
    for (const item of items) this.#receive(item, now);
    this.#blocks.landed();
  }

  /** The next messages to start, in one slot; undefined when nothing can start now. */
  take(now: number): Unit | undefined {
    if (!this.#isOpen || this.#running >= this.#plan.concurrency) return undefined;
    const max = Math.min(this.#plan.batch?.size ?? 1, this.#limit?.allows(now) ?? Number.POSITIVE_INFINITY);
    if (max < 1 || !this.#isFull(now)) return undefined;
    const items = this.#lanes.take(max, now);
    if (items.length === 0) return undefined;
    this.#limit?.take(items.length, now);
    this.#waiting -= items.length;
    this.#running++;
    return { items, freed: false };
  }

  /** When `take` may return something although nothing else happens; undefined: never. */
  wakeAt(now: number): number | undefined {
    if (!this.#isOpen || this.#running >= this.#plan.concurrency) return undefined;
    const times = [this.#lanes.nextAt];
    const since = this.#lanes.readySince;
    if (since !== undefined) {
      const { batch } = this.#plan;
      const full = batch && !this.#isFull(now) ? since + batch.wait : now;
      times.push(Math.max(full, this.#limit?.nextAt(now) ?? now));
    }
    const known = times.filter((at) => at !== undefined);
    return known.length > 0 ? Math.min(...known) : undefined;
  }

  /** The slot is free again, and the lanes of its messages may go on. Safe to call twice. */
  freed(unit: Unit, now: number): void {
    if (unit.freed) return;
    unit.freed = true;
    this.#running--;
    this.#lanes.free(unit.items, now);
  }

  /** What becomes of a message that runs, or waits (`cancel`). False: that had been decided before, or it is not ours. */
  decide(item: Item, decision: Decision, now: number): boolean {
    if (item.fenced) return false;
    this.#unqueue(item, now);
    const { delivery } = item;
    switch (decision.tag) {
      case "retry":
        this.#retry(item, decision);
        break;
      case "release":
        this.#sendLaneBack(item);
        this.#release(item);
        break;
      default:
        // The belief ends when the broker has done it: until then nothing may overtake those that it holds.
        this.#settle(item, {
          delivery,
          ...decision,
          ...(this.#blocks.isBlocker(item) && { unblocks: item.key as string }),
        });
    }
    return true;
  }

  /** The broker has answered. */
  settled(item: Item, result: SettleResult): void {
    this.#hand.delete(item);
    this.#blocks.answered(item, result);
  }

  /** The leases of these are another's now: whatever they do here, nothing is settled. Those it is news of. */
  lost(items: Iterable<Item>, now: number): Item[] {
    const news: Item[] = [];
    for (const item of items) {
      // One that is decided is on its way to the broker, and that will say so itself.
      if (item.fenced || !this.#hand.has(item)) continue;
      item.fenced = true;
      this.#hand.delete(item);
      if (item.laneId !== undefined) this.#sendLaneBack(item);
      else this.#unqueue(item, now);
      news.push(item);
    }
    return news;
  }

  /** Those with this id that are not decided, waiting or running. */
  find(id: string): Item[] {
    return [...this.#hand].filter((item) => item.delivery.id === id && !item.fenced);
  }

  /** Whether none of its key is before it, waiting or running. */
  isFirst(item: Item): boolean {
    return !item.lane || (item.lane.head === item && !item.lane.isBusy);
  }

  /** Whether the broker holds all others of its key, so that none of them is here with it. */
  isAlone(item: Item): boolean {
    return item.laneId === undefined || this.#blocks.isBlocker(item);
  }

  /** What is to be settled now, in this order. Each item is returned once. */
  outgoing(): Item[] {
    const items = this.#outgoing;
    this.#outgoing = [];
    return items;
  }

  #receive(item: Item, now: number): void {
    item.place = ++this.#received;
    this.#hand.add(item);
    if (this.#blocks.forbids(item)) this.#hold(item);
    else if (this.#isOpen) {
      this.#waiting++;
      this.#lanes.add(item, now);
    } else this.#release(item);
  }

  /** Whether what waits is enough for a batch, or has waited long enough, or no more can come. */
  #isFull(now: number): boolean {
    const { batch } = this.#plan;
    const isCrowded = this.#hand.size >= this.#plan.buffer;
    if (!batch || this.#lanes.startable >= batch.size || isCrowded) return true;
    const since = this.#lanes.readySince;
    return since === undefined || now - since >= batch.wait;
  }

  #unqueue(item: Item, now: number): void {
    if (!item.waiting) return;
    this.#lanes.remove(item, now);
    this.#waiting--;
  }

  #settle(item: Item, settlement: Settlement): void {
    item.fenced = true;
    item.waiting = false;
    item.settlement = settlement;
    this.#outgoing.push(item);
  }

  #release(item: Item): void {
    this.#settle(item, { tag: "release", delivery: item.delivery });
    this.#blocks.returns(item);
  }

  #hold(item: Item): void {
    this.#settle(item, { tag: "hold", delivery: item.delivery, key: item.key as string });
    this.#blocks.returns(item);
  }

  #retry(item: Item, decision: Decision & { readonly tag: "retry" }): void {
    const { delivery, key } = item;
    if (key === undefined) this.#settle(item, { delivery, ...decision });
    else if (this.#blocks.block(item)) this.#settle(item, { delivery, ...decision, blocks: key });
    // An earlier one of its batch failed too: it is tried again after that one.
    else this.#hold(item);
    this.#holdFollowers(item);
  }

  #holdFollowers({ laneId }: Item): void {
    if (laneId === undefined) return;
    for (const follower of this.#clear(laneId)) {
      // The blocking task itself can be among them: its earlier attempt, timed out, still occupied the lane.
      if (this.#blocks.isBlockedBy(laneId, follower.delivery.id)) this.#release(follower);
      else this.#hold(follower);
    }
  }

  /** All that wait in the lane of one that comes again do so too, in their order; until then none may overtake them. */
  #sendLaneBack(item: Item): void {
    if (item.laneId === undefined) return;
    this.#blocks.await((item.waiting && this.#lanes.peek(item.laneId)) || item);
    const waiting = this.#clear(item.laneId);
    for (const other of waiting) if (other !== item) this.#release(other);
  }

  #clear(laneId: string): Item[] {
    const items = this.#lanes.clear(laneId);
    this.#waiting -= items.length;
    return items;
  }
}
