import { expect, test } from "bun:test";
import type { Delivery } from "../../src/queue/driver.ts";
import { Heartbeat } from "../../src/queue/heartbeat.ts";
import { Item } from "../../src/queue/item.ts";
import { FakeClock } from "../support/fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const hand = new Set([new Item({ id: "t" } as Delivery, clock.now())]);
  const broker = { isAway: true };
  const told: unknown[] = [];
  const heartbeat = new Heartbeat({
    receiver: {
      async extend() {
        if (broker.isAway) throw new Error("away");
        return [];
      },
    },
    clock,
    random: () => 0.5,
    lease: 180_000,
    hand: () => hand,
    lost() {},
    beaten() {},
    trouble: (error) => told.push(error),
  });
  return { clock, hand, broker, told, heartbeat };
}

test("a heartbeat that failed is no trouble any more once nothing is left to be renewed", async () => {
  const { clock, hand, told, heartbeat } = setUp();
  heartbeat.wake();
  await clock.tick(90_000);
  expect(new Set(told.splice(0).map(String))).toEqual(new Set(["Error: away"]));
  // It was settled: whoever did that knows whether the broker answers.
  hand.clear();
  await clock.tick(1_500);
  expect(told).toStrictEqual([undefined]);
  expect(clock.pending).toBe(0);
});

test("a heartbeat that failed is made again within a second of the broker's answer", async () => {
  const { clock, broker, told, heartbeat } = setUp();
  heartbeat.wake();
  await clock.tick(100_000);
  for (let after = 0; after < 5_000; after += 500) {
    broker.isAway = true;
    await clock.tick(10_000 + after);
    broker.isAway = false;
    await clock.tick(1_000);
    expect(told.at(-1)).toBeUndefined();
    expect(told.length).toBeGreaterThan(1);
    await clock.tick(60_000);
  }
});
