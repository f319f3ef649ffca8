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
  /** Those of a batch may end differently. */
  | { tag: "end"; which: number; ending: Ending; others?: readonly Ending[] }
  /** Its time is over, but its handler goes on. */
  | { tag: "timeout"; which: number }
  | { tag: "send" }
  | { tag: "answer" }
  | { tag: "expire"; which: number }
  | { tag: "beat" }
  | { tag: "cancel"; which: number }
  | { tag: "wait"; ms: number }
  | { tag: "crowd"; count: number; ms: number }
  /** Nothing starts any more: what crowds here goes back. */
  | { tag: "relieve" }
  | { tag: "shut" }
  | { tag: "open" };

const which = fc.nat({ max: 30 });
const endings = fc.constantFrom<Ending>("ack", "ack", "retry", "retry", "dead", "release");
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
      ending: endings,
      others: fc.array(endings, { maxLength: 3 }),
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

/** As much comes of one key as there is room for, and nobody ends. */
const crowd = fc.record({
  tag: fc.constant("crowd" as const),
  count: fc.integer({ min: 1, max: 12 }),
  ms: fc.constantFrom(0, 500, 1_000),
});
const crowding: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: step },
  { weight: 1, arbitrary: crowd },
  { weight: 1, arbitrary: fc.constant<Step>({ tag: "relieve" }) },
);

/** Several of one key in a batch, whose leases are lost now and then. */
const batching: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: step },
  {
    weight: 2,
    arbitrary: fc.record({
      tag: fc.constant("arrive" as const),
      key: fc.constant("a"),
      count: fc.integer({ min: 2, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant("expire" as const), which }) },
  { weight: 1, arbitrary: fc.constant<Step>({ tag: "beat" }) },
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
  /** How many went back because they crowded. */
  relieved = 0;
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
        this.end(pick(this.units, step.which), step.ending, step.others);
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
        if (item) this.broker.expire(item.delivery);
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
      case "crowd":
        this.broker.now += step.ms;
        for (let n = 0; n < step.count; n++) this.broker.enqueue("a");
        this.land();
        this.claim(step.count);
        this.land();
        for (let n = 0; n < 4; n++) this.start();
        this.relieve();
        break;
      case "relieve":
        this.relieve();
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
    const room = this.dispatch.room(this.now);
    if (!this.isOpen || this.#isAsking || room === 0) return;
    this.#isAsking = true;
    this.dispatch.asked();
    this.#claimed = this.broker.claim(Math.min(max, room));
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

  relieve(): void {
    const before = this.dispatch.waiting;
    this.dispatch.relieve(this.now);
    this.relieved += before - this.dispatch.waiting;
  }

  decide(unit: Unit | undefined, first: Ending, others: readonly Ending[] = []): void {
    for (const [index, item] of (unit?.items ?? []).entries()) {
      const ending = others[index - 1] ?? first;
      const decided = this.dispatch.decide(item, decisionOf(ending, this.now), this.now);
      if (decided && (ending === "ack" || ending === "dead")) this.over.add(item.delivery.id);
    }
  }

  end(unit: Unit | undefined, first: Ending, others?: readonly Ending[]): void {
    if (!unit) return;
    this.decide(unit, first, others);
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
    for (const [index, item] of items.entries())
      this.dispatch.settled(item, results[index] as never, this.now);
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
      this.relieve();
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

/** Lets it all happen, and then come to its end. */
function promises(plan: DispatchPlan, steps: readonly Step[]): World {
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
  return world;
}

describe("Dispatch", () => {
  const many = { numRuns: 1_000, includeErrorInReport: true };

  test("keeps its promises whatever happens, and nothing is left when all has ended", () => {
    fc.assert(
      fc.property(plans, fc.array(step, { maxLength: 300, size: "max" }), (plan, steps) => {
        promises(plan, steps);
      }),
      many,
    );
  });

  test("keeps them when those of a key in one batch end differently, and their leases are lost one by one", () => {
    const few = fc.record({
      concurrency: fc.integer({ min: 1, max: 2 }),
      buffer: fc.integer({ min: 6, max: 12 }),
      batch: fc.record({ size: fc.integer({ min: 2, max: 4 }), wait: fc.constant(0) }),
    });
    fc.assert(
      fc.property(few, fc.array(batching, { maxLength: 300, size: "max" }), (plan, steps) => {
        promises(plan, steps);
      }),
      many,
    );
  });

  test("keeps them while messages of a key crowd here, too", () => {
    let relieved = 0;
    const narrow = plans.map((plan) => ({
      ...plan,
      concurrency: plan.concurrency + 1,
      buffer: Math.ceil(plan.buffer / 2) + 2,
    }));
    fc.assert(
      fc.property(narrow, fc.array(crowding, { maxLength: 300, size: "max" }), (plan, steps) => {
        relieved += promises(plan, steps).relieved;
      }),
      many,
    );
    expect(relieved).toBeGreaterThan(100);
  });

  test("one that is cancelled while it waits hands its block to the one that runs, not past it", () => {
    promises({ concurrency: 2, buffer: 5 }, [
      { tag: "crowd", count: 2, ms: 0 },
      { tag: "crowd", count: 3, ms: 1_000 },
      { tag: "send" },
      { tag: "answer" },
      { tag: "expire", which: 0 },
      { tag: "end", which: 0, ending: "ack" },
      { tag: "send" },
      { tag: "answer" },
      { tag: "crowd", count: 1, ms: 0 },
      { tag: "cancel", which: 23 },
      { tag: "timeout", which: 0 },
    ]);
  });

  /** A world with one handler that never ends and as many messages of its key, and of others behind them. */
  function hanging(plan: Partial<DispatchPlan>, count: number) {
    const world = new World({ concurrency: 3, buffer: 12, ...plan });
    world.do({ tag: "arrive", key: "hot", count });
    for (const key of ["a", "b", "c"]) world.do({ tag: "arrive", key, count: 3 });
    world.do({ tag: "claim", max: 1 });
    world.do({ tag: "land" });
    world.do({ tag: "start" });
    return world;
  }

  /** Everything but the first one that began comes to its end, as far as it can. */
  function go(world: World, rounds: number): void {
    const [first] = world.units;
    for (let round = 0; round < rounds; round++) {
      for (const tag of ["land", "start", "start", "start", "relieve", "send", "answer"] as const)
        world.do({ tag });
      world.do({ tag: "claim", max: 12 });
      for (const [which, unit] of [...world.units.entries()].reverse())
        if (unit !== first) world.do({ tag: "end", which, ending: "ack" });
      world.do({ tag: "wait", ms: 200 });
    }
  }

  const doneOf = ({ broker }: World, isHot: boolean) =>
    broker.tasks.filter(({ key, state }) => (key === "hot") === isHot && state === "done").length;

  test("a handler that hangs delays no other key, however many of its own wait behind it", () => {
    const world = hanging({}, 100);
    go(world, 60);
    expect(doneOf(world, false)).toBe(9);
    expect(doneOf(world, true)).toBe(0);
    expect(world.broker.blocks.get("hot")).toBe("t0");
    world.finish();
    expect(doneOf(world, true)).toBe(100);
    expect(world.dispatch.keyed).toBe(0);
  });

  test("a key whose rate is used up delays no other", () => {
    const world = hanging({ limitPerKey: { rate: 1, per: 1_000_000 } }, 100);
    go(world, 60);
    expect(doneOf(world, false)).toBe(3);
  });

  test("what waits behind a slow one stays in the broker until those that are here have ended", () => {
    const world = hanging({}, 30);
    go(world, 30);
    const held = () => world.broker.tasks.filter(({ state }) => state === "held").length;
    const before = held();
    const here = world.dispatch.waiting;
    expect(before + here).toBe(29);
    expect(here).toBeGreaterThan(0);
    for (let ended = 0; ended < here; ended++) {
      world.do({ tag: "end", which: 0, ending: "ack" });
      world.do({ tag: "send" });
      world.do({ tag: "answer" });
      expect(held()).toBe(before);
      world.do({ tag: "start" });
    }
    world.do({ tag: "end", which: 0, ending: "ack" });
    world.flush();
    expect(held()).toBe(0);
  });

  test("one that fails while others wait behind it in the broker comes again before all of them", () => {
    const world = hanging({}, 30);
    go(world, 30);
    world.do({ tag: "end", which: 0, ending: "retry" });
    world.flush();
    expect(world.dispatch.waiting).toBe(0);
    expect(world.broker.tasks.filter(({ state }) => state === "held").length).toBe(29);
    world.finish();
    expect(doneOf(world, true)).toBe(30);
  });

  test("nothing goes back while slots are taken, while something can start, or before it has waited for a second", () => {
    const busy = hanging({ concurrency: 1 }, 100);
    go(busy, 30);
    expect(busy.relieved).toBe(0);
    const young = hanging({}, 100);
    go(young, 4);
    expect(young.relieved).toBe(0);
    go(young, 4);
    expect(young.relieved).toBeGreaterThan(0);
  });

  test("those that are only looked at to get past them are no more than ten buffers in a second", () => {
    const world = hanging({}, 1_000);
    go(world, 7);
    const held = () => world.broker.tasks.filter(({ state }) => state === "held").length;
    const before = held();
    for (let round = 0; round < 100; round++) {
      for (const tag of ["land", "start", "relieve", "send", "answer"] as const) world.do({ tag });
      world.do({ tag: "claim", max: 12 });
    }
    expect(held() - before).toBeGreaterThan(60);
    expect(held() - before).toBeLessThanOrEqual(140);
    const [first] = world.units;
    expect(world.dispatch.wakeAt(world.now)).toBeGreaterThan(world.now);
    expect(first?.freed).toBe(false);
  });
});
