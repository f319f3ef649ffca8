import type { Clock } from "../core/clock.ts";
import type { ConsumerStats } from "../core/consumer-stats.ts";
import type { ConsumePlan } from "../core/plan.ts";
import { Appetite } from "./appetite.ts";
import type { Crew, Run } from "./crew.ts";
import { Dispatch } from "./dispatch.ts";
import type { Delivery, Receiver } from "./driver.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Decision, Item, Unit } from "./item.ts";
import type { ItemMaker } from "./key.ts";
import { itemMaker } from "./key.ts";
import { ReceiveLoop } from "./receive-loop.ts";
import { isSuspect, putOff } from "./retry.ts";
import { Runner } from "./runner.ts";
import { Settler } from "./settler.ts";
import { Standby } from "./standby.ts";
import { Counters } from "./stats.ts";
import { Suspects } from "./suspects.ts";
import { createTaskLog } from "./task-log.ts";

export interface ConsumerOptions {
  readonly plan: ConsumePlan;
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly random: () => number;
  /** Who tells, and what: the broker did not answer, or did again (undefined). */
  readonly trouble: (who: string) => (error: unknown) => void;
}

// Taken once: what watches for blocking code wraps the global one later, and this is not a service's.
const { setImmediate } = globalThis;

/** Messages whose handlers end at once could keep the event loop for as long as the queue is: others need it too. */
const turnMs = 4;

/**
 * One subscription at work: receives, starts what the dispatch says, settles. Which generation handles messages is
 * changed with `open`; what an earlier one has begun stays its own.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #dispatch: Dispatch;
  readonly #runner: Runner;
  readonly #settler: Settler;
  readonly #heartbeat: Heartbeat;
  readonly #loop: ReceiveLoop;
  readonly #appetite: Appetite;
  readonly #counters = new Counters();
  readonly #makeItem: ItemMaker;
  readonly #batchSize: number;
  /** Nothing but the end of a run or a message makes something startable: for that no timer is needed. */
  readonly #isTimeless: boolean;
  /** Which of those that may kill the process has its turn. */
  readonly #suspects: Suspects;
  /** Taken, and may not begin yet. */
  readonly #standby: Standby;
  readonly #crews = new Set<Crew>();
  #crew: Crew | undefined;
  #isPumping = false;
  #isTicking = false;
  #isYielding = false;
  #turnEndsAt = 0;
  #wakesAt: number | undefined;
  #cancelWake = () => {};

  constructor(options: ConsumerOptions) {
    const { plan, receiver, clock, random, trouble } = options;
    const tasks = createTaskLog(clock);
    this.#options = options;
    this.#dispatch = new Dispatch(plan);
    this.#suspects = new Suspects(clock.now(), (item) => this.#dispatch.hand.has(item));
    this.#makeItem = itemMaker(plan.key, plan.queues.length > 1);
    this.#batchSize = plan.batch?.size ?? 1;
    this.#isTimeless = !plan.batch && !plan.limit && !plan.limitPerKey;
    this.#appetite = new Appetite(plan.concurrency * this.#batchSize, plan.buffer);
    this.#runner = new Runner({
      plan,
      clock,
      random,
      tasks,
      decide: (item, decision) => this.#decide(item, decision),
      freed: (unit) => this.#freed(unit),
      progress: (item, text) => receiver.progress(item.delivery, text),
      began: (item, wall) => this.#counters.began(item, wall),
      ended: (durationMs) => this.#counters.ended(durationMs),
    });
    this.#settler = new Settler({
      receiver,
      clock,
      random,
      outgoing: () => this.#dispatch.outgoing(),
      settled: (item, result) => {
        this.#counters.settled(item, result);
        const crew = this.#crew ?? [...this.#crews].at(-1);
        if (result === "archived" && crew) tasks.cutShort(crew.log, item);
        // For those of its key both are the same: it is over.
        this.#dispatch.settled(item, result === "archived" ? "settled" : result, clock.now());
      },
      answered: () => this.#pumpSoon(),
      trouble: trouble("settle"),
    });
    this.#heartbeat = new Heartbeat({
      receiver,
      clock,
      random,
      lease: plan.lease,
      hand: () => this.#dispatch.hand,
      lost: (items) => this.#lost(items),
      beaten: () => this.#acquit(),
      trouble: trouble("extend"),
    });
    this.#standby = new Standby({
      receiver,
      clock,
      random,
      beat: () => void this.#heartbeat.beat(),
      ready: (unit) => this.#begin(unit),
      trouble: trouble("begin"),
    });
    this.#loop = new ReceiveLoop({
      receiver,
      clock,
      random,
      prepare: async () => this.#dispatch.believe(this.#laneIds(await receiver.blockedKeys())),
      want: () => this.#want(),
      asked: () => this.#dispatch.asked(),
      received: (deliveries, wanted) => this.#received(deliveries, wanted),
      trouble: trouble("receive"),
    });
  }

  /** From now on messages go to `crew`. */
  open(crew: Crew): void {
    this.#crew = crew;
    this.#crews.add(crew);
    this.#dispatch.open();
    this.#loop.open();
    this.#pump();
  }

  /** Nothing is received and nothing begins; what has not begun goes back at once. */
  shut(): void {
    this.#crew = undefined;
    void this.#loop.shut();
    this.#dispatch.shut();
    for (const unit of this.#standby.clear()) {
      for (const item of unit.items) this.#decide(item, { tag: "release" });
      this.#freed(unit);
    }
    this.#settler.poke();
  }

  /** After `shut`: resolves when the broker knows what became of everything that is decided. */
  async settled(): Promise<void> {
    await this.#loop.shut();
    await this.#settler.idle();
    if (this.#dispatch.hand.size === 0) this.#heartbeat.rest();
    this.#runner.rest();
  }

  /** `crew` has nothing in its hands any more. */
  leave(crew: Crew): void {
    this.#crews.delete(crew);
  }

  /** Ends what `crew` has in its hands. `isLast`: nobody comes after it, so the broker is asked once more at most. */
  cut(crew: Crew, isLast: boolean): void {
    this.#runner.cut(crew);
    this.#settler.poke();
    if (isLast) this.#settler.giveUp();
  }

  /** Somebody wants the task `id` to stop; mostly it is not here. */
  cancel(id: string): void {
    const items = new Set(this.#dispatch.find(id));
    if (items.size === 0) return;
    for (const [run, item] of this.#running(items)) this.#runner.cancel(run, item);
    for (const item of items) this.#decide(item, { tag: "dead", error: "cancelled" });
  }

  stats(): ConsumerStats {
    const wall = this.#options.clock.wall();
    let lag = 0;
    for (const item of this.#dispatch.hand) {
      if (item.waiting) lag = Math.max(lag, wall - item.delivery.dueAt);
    }
    return this.#counters.read({
      active: this.#dispatch.running - this.#standby.size,
      buffered: this.#dispatch.waiting,
      blockedKeys: this.#dispatch.blockedKeys,
      lag,
    });
  }

  #laneIds(blocked: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    if (this.#options.plan.queues.length > 1) return blocked;
    // With one queue lanes go by the key alone.
    return new Map([...blocked].map(([id, task]) => [id.slice(id.indexOf("\0") + 1), task]));
  }

  #want(): number {
    const { concurrency } = this.#options.plan;
    const { startable, running } = this.#dispatch;
    const idle = Math.max(0, concurrency - running) * this.#batchSize;
    const isSettling = !this.#settler.isIdle;
    const now = this.#options.clock.now();
    const room = this.#dispatch.room(now);
    return this.#appetite.want({ room, startable, idle, isSettling, now });
  }

  #received(deliveries: readonly Delivery[], wanted: number): void {
    const now = this.#options.clock.now();
    this.#appetite.received(deliveries.length, wanted, this.#dispatch.startable);
    this.#counters.received(deliveries.length);
    const items = deliveries.map((delivery) => this.#makeItem(delivery, now));
    this.#dispatch.received(items, now);
    // Those that wait behind another of their key are looked at when they are taken.
    this.#screen(
      items.filter((item) => isSuspect(item.delivery) && item.waiting && this.#dispatch.isFirst(item)),
      now,
    );
    if (deliveries.length > 0) this.#heartbeat.wake();
    this.#pumpSoon();
  }

  /** In the next turn: until then the broker is asked for more, and is busy with that while these are handled. */
  #pumpSoon(): void {
    this.#isYielding = true;
    this.#tickSoon();
  }

  /** Starts what can start. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    const { clock } = this.#options;
    while (this.#crew) {
      const now = clock.now();
      if (this.#isTurnOver(now)) break;
      const unit = this.#dispatch.take(now);
      if (!unit) break;
      this.#screen(unit.items, now);
      this.#suspects.began(unit);
      this.#begin(unit);
    }
    this.#isPumping = false;
    const now = clock.now();
    this.#dispatch.relieve(now);
    if (this.#dispatch.hasOutgoing) this.#tickSoon();
    const isTimely = this.#wakesAt !== undefined || this.#dispatch.roomAt(now) !== undefined;
    if (!this.#isTimeless || isTimely) this.#wakeInTime();
    if (this.#loop.isWaiting && this.#want() > 0) this.#loop.poke();
  }

  /** Sends away what may kill the process, except the one whose turn it is. */
  #screen(items: readonly Item[], now: number): void {
    const { clock, random } = this.#options;
    for (const item of items) {
      if (!isSuspect(item.delivery) || item.fenced) continue;
      if (this.#suspects.admits(item, now, () => this.#dispatch.hasOthers(isSuspect))) continue;
      this.#decide(item, putOff(item.delivery, clock.wall() + this.#suspects.pause(random())));
    }
  }

  #isTurnOver(now: number): boolean {
    if (this.#turnEndsAt === 0) {
      this.#turnEndsAt = now + turnMs;
      this.#tickSoon();
    }
    this.#isYielding = now > this.#turnEndsAt;
    return this.#isYielding;
  }

  /** Once per turn of the event loop: what was decided in it goes to the broker together. */
  #tickSoon(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    setImmediate(() => {
      this.#isTicking = false;
      this.#turnEndsAt = 0;
      this.#settler.poke();
      if (this.#isYielding) this.#pump();
    });
  }

  #wakeInTime(): void {
    const now = this.#options.clock.now();
    const at = this.#crew && this.#dispatch.wakeAt(now);
    if (at === this.#wakesAt) return;
    this.#cancelWake();
    this.#wakesAt = at;
    if (at === undefined) return;
    this.#cancelWake = this.#options.clock.after(Math.max(0, at - now), () => {
      this.#wakesAt = undefined;
      this.#pump();
    });
  }

  #decide(item: Item, decision: Decision): boolean {
    const isNews = this.#dispatch.decide(item, decision, this.#options.clock.now());
    if (this.#dispatch.hasOutgoing) this.#tickSoon();
    return isNews;
  }

  #freed(unit: Unit): void {
    this.#dispatch.freed(unit, this.#options.clock.now());
    this.#pump();
  }

  #lost(items: readonly Item[]): void {
    const lost = new Set(this.#dispatch.lost(items, this.#options.clock.now()));
    this.#counters.lost(lost.size);
    for (const [run, item] of this.#running(lost)) this.#runner.lost(run, item);
  }

  /** Where these run; those that do not run are left in the set. */
  *#running(items: Set<Item>): Iterable<[Run, Item]> {
    for (const crew of this.#crews) {
      for (const run of [...crew.runs]) {
        for (const { item } of run.attempts) if (items.delete(item)) yield [run, item];
      }
    }
  }

  #begin(unit: Unit): void {
    const now = this.#options.clock.now();
    if (unit.items.some((item) => this.#heartbeat.isStale(item, now))) this.#standby.doubt(unit);
    else if (!this.#crew) this.#freed(unit);
    else if (this.#standby.mayBegin(unit)) this.#runner.start(unit, this.#crew);
  }

  /** The broker has said which leases hold. */
  #acquit(): void {
    this.#standby.acquit();
    this.#pump();
  }
}
