import { describe, expect, test } from "bun:test";
import { Dispatch } from "../../src/queue/dispatch.ts";
import type { Decision, Unit } from "../../src/queue/item.ts";
import { Item } from "../../src/queue/item.ts";
import { ModelBroker } from "./model-broker.ts";

const ack: Decision = { tag: "ack" };
const retry: Decision = { tag: "retry", at: 40, error: "x", counts: true };

/** Messages of one key, two in each batch; a test says when the broker answers. */
class Pairs {
  readonly broker = new ModelBroker();
  readonly dispatch = new Dispatch({ concurrency: 2, buffer: 6, batch: { size: 2, wait: 0 } });

  constructor(count: number) {
    this.dispatch.open();
    for (let n = 0; n < count; n++) this.broker.enqueue("hot");
  }

  receive(max = 6): void {
    this.dispatch.asked();
    const deliveries = this.broker.claim(Math.min(max, this.dispatch.room(this.broker.now)));
    const items = deliveries.map((delivery) => new Item(delivery, this.broker.now, "hot"));
    this.dispatch.received(items, this.broker.now);
  }

  begin(): Unit {
    const unit = this.dispatch.take(this.broker.now);
    if (!unit) throw new Error("nothing can begin");
    return unit;
  }

  end(unit: Unit, ...decisions: readonly Decision[]): void {
    for (const [index, item] of unit.items.entries()) {
      this.dispatch.decide(item, decisions[index] ?? ack, this.broker.now);
    }
    this.dispatch.freed(unit, this.broker.now);
  }

  /** How many calls it took. */
  settle(): number {
    for (let calls = 0; ; calls++) {
      const items = this.dispatch.outgoing();
      if (items.length === 0) return calls;
      const results = this.broker.settle(items.map(({ settlement }) => settlement as never));
      for (const [index, item] of items.entries())
        this.dispatch.settled(item, results[index] as never, this.broker.now);
    }
  }

  /** What begins from now on, while everything is done at once. */
  rest(): string[] {
    const begun: string[] = [];
    for (let round = 0; round < 40; round++) {
      this.broker.now += 20;
      this.settle();
      this.receive();
      for (let unit = this.dispatch.take(this.broker.now); unit; unit = undefined) {
        begun.push(...idsOf(unit));
        this.end(unit);
      }
    }
    return begun;
  }
}

const idsOf = ({ items }: Unit) => items.map(({ delivery }) => delivery.id);

describe("messages of one key in one batch", () => {
  test("one that fails goes back, if an earlier one of it that was lost waits here again", () => {
    const pairs = new Pairs(4);
    pairs.receive(2);
    const unit = pairs.begin();
    const [first] = unit.items as [Item, Item];
    pairs.broker.expire(first.delivery);
    pairs.dispatch.lost([first], 0);
    pairs.receive();
    expect(pairs.dispatch.waiting).toBe(3);
    pairs.end(unit, ack, retry);
    expect(pairs.rest()).toEqual(["t0", "t1", "t2", "t3"]);
  });

  test("one that fails waits for the answers to the earlier ones, and goes back if one of those is lost", () => {
    const pairs = new Pairs(4);
    pairs.receive(2);
    const unit = pairs.begin();
    pairs.broker.expire((unit.items[0] as Item).delivery);
    pairs.end(unit, ack, retry);
    expect(pairs.settle()).toBe(2);
    expect(pairs.broker.blocks.size).toBe(0);
    expect(pairs.rest()).toEqual(["t0", "t1", "t2", "t3"]);
  });

  test("one that is lost after others were claimed with an earlier one that was, too, is overtaken by none", () => {
    const pairs = new Pairs(4);
    pairs.receive(2);
    const unit = pairs.begin();
    const [first, second] = unit.items as [Item, Item];
    pairs.broker.expire(first.delivery);
    pairs.dispatch.lost([first], 0);
    pairs.dispatch.asked();
    const claimed = pairs.broker.claim(2).map((delivery) => new Item(delivery, 0, "hot"));
    pairs.broker.expire(second.delivery);
    pairs.dispatch.lost([second], 0);
    pairs.dispatch.received(claimed, 0);
    pairs.end(unit);
    expect(pairs.rest()).toEqual(["t0", "t1", "t2", "t3"]);
  });

  test("what is held behind a batch is held behind the first one of it that fails", () => {
    const pairs = new Pairs(12);
    pairs.receive();
    const unit = pairs.begin();
    pairs.dispatch.relieve(1_000);
    pairs.settle();
    pairs.end(unit, ack, retry);
    pairs.settle();
    expect(pairs.broker.blocks.get("hot")).toBe("t1");
    expect(pairs.broker.tasks[1]).toMatchObject({ state: "retry", retried: 1 });
    expect(pairs.rest()).toEqual(Array.from({ length: 11 }, (_, n) => `t${n + 1}`));
  });

  test("what is held behind a batch is held behind the next one when all of it are done", () => {
    const pairs = new Pairs(12);
    pairs.receive();
    const unit = pairs.begin();
    pairs.broker.now = 1_000;
    pairs.dispatch.relieve(1_000);
    pairs.settle();
    expect(pairs.broker.blocks.get("hot")).toBe("t0");
    pairs.end(unit);
    expect(pairs.dispatch.take(1_000)).toBeUndefined();
    expect(pairs.settle()).toBe(1);
    expect(pairs.broker.blocks.get("hot")).toBe("t2");
    expect(idsOf(pairs.begin())).toEqual(["t2", "t3"]);
  });

  test("all of them that are done are told in one call, and the next ones begin before its answer", () => {
    const pairs = new Pairs(4);
    pairs.receive();
    pairs.end(pairs.begin());
    const next = pairs.begin();
    expect(idsOf(next)).toEqual(["t2", "t3"]);
    expect(pairs.settle()).toBe(1);
  });
});
