import type { ConsumePlan } from "../core/plan.ts";
import { Blocks } from "./blocks.ts";
import { formCohorts } from "./cohort.ts";
import { CohortEnds } from "./cohort-ends.ts";
import { Crowd, firstOf } from "./crowd.ts";
import type { Delivery, SettleResult } from "./driver.ts";
import { Fates } from "./fates.ts";
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
 * that the broker does not have. Those that crowd here behind one that takes long are held in the same way (`relieve`).
 * What goes back before its turn takes the later ones of its lane along, for they would
 * overtake it. Nothing is settled twice: the first decision about an item is the only one.
 */
export class Dispatch {
  readonly #plan: DispatchPlan;
  readonly #lanes: Lanes;
  readonly #limit: Window | undefined;
  readonly #keyLimit: KeyWindows | undefined;
  readonly #blocks = new Blocks();
  /** Their slots are free; their lanes go on when the broker has answered who blocks now. */
  readonly #passing = new Set<Item>();
  readonly #crowd: Crowd;
  readonly #fates: Fates;
  readonly #cohorts: CohortEnds;
  /** All that is here: waiting, running, or with a settlement that the broker has not answered. */
  readonly #hand = new Set<Item>();
  #received = 0;
  #running = 0;
  #isOpen = false;

  constructor(plan: DispatchPlan) {
    this.#plan = plan;
    this.#limit = plan.limit && new Window(plan.limit);
    this.#keyLimit = plan.limitPerKey && new KeyWindows(plan.limitPerKey);
    this.#lanes = new Lanes(this.#keyLimit);
    this.#crowd = new Crowd(this.#lanes, this.#blocks, plan.buffer);
    this.#fates = new Fates(this.#lanes, this.#blocks);
    this.#cohorts = new CohortEnds(this.#lanes, this.#blocks, this.#fates);
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
    return this.#lanes.waiting;
  }
  get startable(): number {
    return this.#lanes.startable;
  }
  get blockedKeys(): number {
    return this.#blocks.size;
  }
  get hasOutgoing(): boolean {
    return this.#fates.hasOutgoing;
  }
  /** Structures that exist for single keys; 0 when nothing waits, runs or is blocked. */
  get keyed(): number {
    return this.#lanes.size + this.#blocks.size;
  }

  /** How many more may be received. */
  room(now: number): number {
    if (this.#blocks.isReturning || !this.#crowd.mayPass(now)) return 0;
    return Math.max(0, this.#plan.buffer - this.#hand.size);
  }

  /** When there may be more room although nothing else happens; undefined: never. */
  roomAt(now: number): number | undefined {
    return this.#crowd.nextAt(this.#isCrowded(), now);
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
    for (const item of this.#lanes.clearAll()) this.#fates.release(item);
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
    this.#running++;
    if (items.length > 1) formCohorts(items);
    return { items, freed: false };
  }

  /**
   * To be called when `take` returns nothing. Where slots are free and no more can be received, some of those that wait
   * here for others of their key are held in the broker until the others have ended.
   */
  relieve(now: number): void {
    if (!this.#isCrowded()) return;
    const crowd = this.#crowd.relieve(now);
    if (!crowd) return;
    for (const item of crowd.items) this.#fates.holdBehind(item, crowd.first);
  }

  /** When `take`, `relieve` or `room` may do something although nothing else happens; undefined: never. */
  wakeAt(now: number): number | undefined {
    if (!this.#isOpen || this.#running >= this.#plan.concurrency) return undefined;
    const times = [this.#lanes.nextAt, this.roomAt(now)];
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
    for (const item of unit.items) {
      if (item.cohort) this.#cohorts.free(item.cohort, now);
      else if (item.settlement?.heir && this.#hand.has(item)) this.#passing.add(item);
      else this.#lanes.free(item, now);
    }
  }

  /** What becomes of a message that runs, or waits (`cancel`). False: that had been decided before, or it is not ours. */
  decide(item: Item, decision: Decision, now: number): boolean {
    if (item.fenced) return false;
    const { cohort } = item;
    if (cohort) {
      item.fenced = true;
      this.#cohorts.decide(cohort, item, decision);
      return true;
    }
    const isWaiting = item.waiting;
    this.#unqueue(item, now);
    switch (decision.tag) {
      case "retry":
        this.#fates.retry(item, decision);
        break;
      case "release":
        this.#fates.sendLaneBack(item);
        this.#fates.release(item);
        break;
      default:
        this.#fates.end(item, decision, isWaiting ? firstOf(item.lane) : item.lane?.head);
    }
    return true;
  }

  /** The broker has answered. */
  settled(item: Item, result: SettleResult, now: number): void {
    this.#hand.delete(item);
    this.#blocks.answered(item, result);
    if (this.#passing.delete(item)) this.#lanes.free(item, now);
    if (item.cohort) this.#cohorts.answered(item.cohort, item, result, now);
  }

  /** The leases of these are another's now: whatever they do here, nothing is settled. Those it is news of. */
  lost(items: Iterable<Item>, now: number): Item[] {
    const news: Item[] = [];
    for (const item of items) {
      // One that is decided is on its way to the broker, and that will say so itself.
      if (item.fenced || !this.#hand.has(item)) continue;
      item.fenced = true;
      this.#hand.delete(item);
      this.#lose(item, now);
      news.push(item);
    }
    return news;
  }

  /** Those with this id that are not decided, waiting or running. */
  find(id: string): Item[] {
    return [...this.#hand].filter((item) => item.delivery.id === id && !item.fenced);
  }

  /** Whether there is one that is not decided and not such. */
  hasOthers(isSuch: (delivery: Delivery) => boolean): boolean {
    for (const { fenced, delivery } of this.#hand) if (!fenced && !isSuch(delivery)) return true;
    return false;
  }

  /** Whether none of its key is before it, waiting or running. */
  isFirst(item: Item): boolean {
    return !item.lane || (item.lane.head === item && !item.lane.isBusy);
  }

  /** What is to be settled now, in this order. Each item is returned once. */
  outgoing(): Item[] {
    return this.#fates.outgoing();
  }

  #receive(item: Item, now: number): void {
    item.place = ++this.#received;
    this.#hand.add(item);
    if (this.#blocks.forbids(item)) {
      this.#crowd.passes(item, now);
      this.#fates.turnAway(item);
    } else if (this.#isOpen) this.#lanes.add(item, now);
    else this.#fates.release(item);
  }

  /** Whether what waits is enough for a batch, or has waited long enough, or no more can come. */
  #isFull(now: number): boolean {
    const { batch } = this.#plan;
    const isCrowded = this.#hand.size >= this.#plan.buffer;
    if (!batch || this.#lanes.startable >= batch.size || isCrowded) return true;
    const since = this.#lanes.readySince;
    return since === undefined || now - since >= batch.wait;
  }

  /** Whether slots are free for which nothing can be received, because of what waits here for others of its key. */
  #isCrowded(): boolean {
    const { concurrency, buffer } = this.#plan;
    const isStarving = this.#running < concurrency && this.startable === 0;
    return this.#isOpen && isStarving && this.#hand.size >= buffer && !this.#blocks.isReturning;
  }

  #lose(item: Item, now: number): void {
    if (item.cohort) this.#cohorts.lose(item.cohort, item);
    else if (item.laneId !== undefined) this.#fates.sendLaneBack(item);
    else this.#unqueue(item, now);
  }

  #unqueue(item: Item, now: number): void {
    if (item.waiting) this.#lanes.remove(item, now);
  }
}
