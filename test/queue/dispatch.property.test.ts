import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DispatchPlan } from "../../src/queue/dispatch.ts";
import { Dispatch } from "../../src/queue/dispatch.ts";
import type { Delivery } from "../../src/queue/driver.ts";
import type { Decision, Unit } from "../../src/queue/item.ts";
import { Item } from "../../src/queue/item.ts";
import { ModelBroker } from "./model-broker.ts";

type Ending = "ack" | "retry" | "dead" | "release";
type Step =
  | { tag: "arrive"; key: string | undefined; count: number }
  | { tag: "claim"; max: number }
  | { tag: "land" }
  | { tag: "start" }
  | { tag: "end"; which: number; ending: Ending }
  /** Its time is over, but its handler goes on. */
  | { tag: "timeout"; which: number }
  | { tag: "send" }
  | { tag: "answer" }
  | { tag: "expire"; which: number }
  | { tag: "beat" }
  | { tag: "cancel"; which: number }
  | { tag: "wait"; ms: number }
  | { tag: "shut" }
  | { tag: "open" };

const which = fc.nat({ max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      tag: fc.constant("arrive" as const),
      key: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ tag: fc.constant("claim" as const), max: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ tag: "land" }) },
  { weight: 6, arbitrary: fc.constant<Step>({ tag: "start" }) },
  {
    weight: 8,
    arbitrary: fc.record({
      tag: fc.constant("end" as const),
      which,
      ending: fc.constantFrom<Ending>("ack", "ack", "retry", "retry", "dead", "release"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant("timeout" as const), which }) },
  { weight: 5, arbitrary: fc.constant<Step>({ tag: "send" }) },
  { weight: 5, arbitrary: fc.constant<Step>({ tag: "answer" }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant("expire" as const), which }) },
  { weight: 1, arbitrary: fc.constant<Step>({ tag: "beat" }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant("cancel" as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ tag: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 200 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ tag: "shut" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ tag: "open" }) },
);

const plans: fc.Arbitrary<DispatchPlan> = fc
  .record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    buffer: fc.integer({ min: 4, max: 12 }),
    batch: fc.option(
      fc.record({ size: fc.integer({ min: 1, max: 4 }), wait: fc.integer({ min: 0, max: 50 }) }),
      {
        nil: undefined,
      },
    ),
    limit: fc.option(fc.constant({ rate: 3, per: 100 }), { nil: undefined }),
    limitPerKey: fc.option(fc.constant({ rate: 1, per: 30 }), { nil: undefined }),
  })
  .map(({ batch, limit, limitPerKey, ...plan }) => ({
    ...plan,
    ...(batch && { batch }),
    ...(limit && { limit }),
    ...(limitPerKey && { limitPerKey }),
  }));

/** Drives a dispatch against a broker in which every answer takes its time, and watches its promises. */
class World {
  readonly broker = new ModelBroker();
  readonly plan: DispatchPlan;
  readonly dispatch: Dispatch;
  /** Handlers that have not returned. */
  readonly units: Unit[] = [];
  readonly started: { id: string; key: string | undefined; place: number }[] = [];
  /** Tasks that were once decided for good. */
  readonly over = new Set<string>();
  isOpen = true;
  #claimed: Delivery[] = [];
  #isAsking = false;
  #flying: Item[] | undefined;
  #begun = 0;
  #startedAt: number[] = [];

  constructor(plan: DispatchPlan) {
    this.plan = plan;
    this.dispatch = new Dispatch(plan);
    this.dispatch.open();
  }

  get now(): number {
    return this.broker.now;
  }

  do(step: Step): void {
    switch (step.tag) {
      case "arrive":
        for (let n = 0; n < step.count; n++) this.broker.enqueue(step.key);
        break;
      case "claim":
        this.claim(step.max);
        break;
      case "land":
        this.land();
        break;
      case "start":
        this.start();
        break;
      case "end":
        this.end(pick(this.units, step.which), step.ending);
        break;
      case "timeout":
        this.decide(pick(this.units, step.which), "retry");
        break;
      case "send":
        this.send();
        break;
      case "answer":
        this.answer();
        break;
      case "expire": {
        const item = pick([...this.dispatch.hand], step.which);
        // The leases of a batch are renewed together, so they run out together.
        const unit = this.units.find(({ items }) => item && items.includes(item));
        for (const each of unit?.items ?? (item ? [item] : [])) this.broker.expire(each.delivery);
        break;
      }
      case "beat":
        this.beat();
        break;
      case "cancel": {
        const item = pick([...this.dispatch.hand], step.which);
        if (item?.fenced === false && this.dispatch.decide(item, { tag: "dead", error: "" }, this.now)) {
          this.over.add(item.delivery.id);
        }
        break;
      }
      case "wait":
        this.broker.now += step.ms;
        break;
      case "shut":
        this.isOpen = false;
        this.dispatch.shut();
        expect(this.dispatch.waiting).toBe(0);
        break;
      case "open":
        this.open();
        break;
    }
    this.check();
  }

  open(): void {
    this.isOpen = true;
    this.dispatch.open();
  }

  claim(max: number): void {
    if (!this.isOpen || this.#isAsking || this.dispatch.room === 0) return;
    this.#isAsking = true;
    this.dispatch.asked();
    this.#claimed = this.broker.claim(Math.min(max, this.dispatch.room));
  }

  land(): void {
    const items = this.#claimed.map(
      (delivery) => new Item(delivery, this.now, delivery.key, delivery.key && `q\0${delivery.key}`),
    );
    this.#claimed = [];
    this.#isAsking = false;
    this.dispatch.received(items, this.now);
  }

  start(): void {
    const unit = this.dispatch.take(this.now);
    if (!unit) return;
    expect(this.isOpen).toBe(true);
    this.units.push(unit);
    this.#begun += unit.items.length;
    for (const { delivery } of unit.items) {
      const { place, key } = this.broker.taskOf(delivery);
      this.#startedAt.push(this.now);
      const early = this.broker.tasks.filter(
        (other) =>
          key !== undefined &&
          other.key === key &&
          other.place < place &&
          !this.over.has(other.id) &&
          !unit.items.some((item) => item.delivery.id === other.id),
      );
      expect(early.map(({ id }) => id)).toEqual([]);
    }
    expect(unit.items.length).toBeLessThanOrEqual(this.plan.batch?.size ?? 1);
    const places = unit.items
      .map(({ delivery }) => this.broker.taskOf(delivery))
      // The same task twice: its first lease has run out, and nobody has noticed yet.
      .filter((task, index, all) => !this.over.has(task.id) && all.indexOf(task) === index);
    for (const [index, task] of places.entries()) {
      for (const later of places.slice(index + 1)) {
        if (later.key === task.key && task.key !== undefined) expect(later.place).toBeGreaterThan(task.place);
      }
    }
  }

  decide(unit: Unit | undefined, ending: Ending): void {
    for (const item of unit?.items ?? []) {
      const decided = this.dispatch.decide(item, decisionOf(ending, this.now), this.now);
      if (decided && (ending === "ack" || ending === "dead")) this.over.add(item.delivery.id);
    }
  }

  end(unit: Unit | undefined, ending: Ending): void {
    if (!unit) return;
    this.decide(unit, ending);
    this.units.splice(this.units.indexOf(unit), 1);
    this.dispatch.freed(unit, this.now);
    this.dispatch.freed(unit, this.now);
  }

  send(): void {
    if (this.#flying) return;
    const items = this.dispatch.outgoing();
    if (items.length > 0) this.#flying = items;
  }

  answer(): void {
    const items = this.#flying;
    if (!items) return;
    this.#flying = undefined;
    const results = this.broker.settle(items.map(({ settlement }) => settlement as never));
    for (const [index, item] of items.entries()) this.dispatch.settled(item, results[index] as never);
  }

  flush(): void {
    this.answer();
    this.send();
    this.answer();
  }

  beat(): void {
    const hand = [...this.dispatch.hand];
    const lost = new Set(this.broker.extend(hand.map(({ delivery }) => delivery)));
    this.dispatch.lost(
      hand.filter(({ delivery }) => lost.has(delivery)),
      this.now,
    );
  }

  check(): void {
    const { concurrency, buffer, limit } = this.plan;
    expect(this.dispatch.running).toBeLessThanOrEqual(concurrency);
    expect(this.dispatch.hand.size).toBeLessThanOrEqual(buffer);
    for (const count of this.broker.settlements.values()) expect(count).toBe(1);
    const keys = this.units.flatMap((unit) =>
      [...new Set(unit.items.map(({ key }) => key))].filter((key) => key !== undefined),
    );
    expect(new Set(keys).size).toBe(keys.length);
    if (limit) {
      const recent = this.#startedAt.filter((at) => this.now - at < limit.per).length;
      expect(recent).toBeLessThanOrEqual(limit.rate);
    }
  }

  /** Everything that is left comes to its end. */
  finish(): void {
    this.open();
    for (let round = 0; round < 10_000; round++) {
      if (this.broker.tasks.every(({ state }) => state === "done" || state === "dead")) break;
      this.broker.now += 20;
      this.land();
      this.claim(8);
      this.land();
      this.beat();
      for (let n = 0; n < 4; n++) this.start();
      for (const unit of [...this.units]) this.end(unit, "ack");
      this.flush();
    }
    for (const unit of [...this.units]) this.end(unit, "ack");
    this.flush();
    this.flush();
  }
}

function decisionOf(ending: Ending, now: number): Decision {
  switch (ending) {
    case "retry":
      return { tag: "retry", at: now + 40, error: "x", counts: true };
    case "dead":
      return { tag: "dead", error: "x" };
    default:
      return { tag: ending };
  }
}

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list.length === 0 ? undefined : list[which % list.length];
}

describe("Dispatch", () => {
  test("keeps its promises whatever happens, and nothing is left when all has ended", () => {
    fc.assert(
      fc.property(plans, fc.array(step, { maxLength: 300, size: "max" }), (plan, steps) => {
        const world = new World(plan);
        for (const each of steps) world.do(each);
        world.finish();
        const open = world.broker.tasks.filter(({ state }) => state !== "done" && state !== "dead");
        expect(open.map(({ id, state }) => `${id} ${state}`)).toEqual([]);
        expect(world.dispatch.hand.size).toBe(0);
        expect(world.dispatch.waiting).toBe(0);
        expect(world.dispatch.startable).toBe(0);
        expect(world.dispatch.running).toBe(0);
        expect(world.broker.blocks.size).toBe(0);
        // Somebody else may have done what was awaited here: that is noticed with the next message of its key.
        for (const key of ["a", "b", "c"]) world.broker.enqueue(key);
        world.finish();
        expect(world.dispatch.keyed).toBe(0);
      }),
      { numRuns: 1_000, includeErrorInReport: true },
    );
  });
});
