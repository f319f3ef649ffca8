import { describe, expect, test } from "bun:test";
import { createFloor } from "../../src/core/floor.ts";
import type { ConsumePlan } from "../../src/core/plan.ts";
import { createQueue } from "../../src/queue/producer.ts";
import { createQueueIntake } from "../../src/queue/queue-intake.ts";
import type { Context, Service } from "../../src/service/contract.ts";
import type { DriverSite } from "../contract/queue-driver.ts";
import { memoryHarness, silent, sqliteHarness } from "../support/queue-sites.ts";
import { plan } from "./setup.ts";

/** The engine and the producer on one broker, as the composition puts them together. */
async function consumeOn(site: DriverSite, service: Service, changes: Partial<ConsumePlan> = {}) {
  const driver = await site.open();
  const { clock } = site;
  const intake = createQueueIntake({
    floor: createFloor(),
    service: "orders",
    plan: { ...plan, queues: [{ queue: "default", weight: 1 }], ...changes },
    driver: () => driver,
    clock,
    random: () => 0.5,
    log: silent,
    trouble: () => {},
  });
  await intake.join?.();
  const lease = intake.open({
    scope: { service: "orders", generation: 1, log: silent, beacon: 1, failed() {} },
    life: { service, ctx: {} as Context, enter: (work) => work() },
  });
  return { queue: createQueue({ broker: "main", driver: () => driver, clock }), driver, intake, lease };
}

for (const { name, harness } of [
  { name: "memory", harness: memoryHarness },
  { name: "sqlite", harness: sqliteHarness },
]) {
  describe(`the engine on ${name}`, () => {
    test("keeps the order of a key through retries, while other keys go on", async () => {
      await using site = await harness.start();
      const done: string[] = [];
      let failures = 2;
      const { queue } = await consumeOn(site, {
        consume(message) {
          if (message.data === "a0" && failures-- > 0) throw new Error("not yet");
          done.push(message.data as string);
        },
      });
      const tasks = ["a0", "b0", "a1", "b1", "a2"].map((payload) => ({
        type: "t",
        payload,
        key: payload.slice(0, 1),
      }));
      await queue.enqueueAll(tasks);
      await site.quiet();
      expect(done).toEqual(["b0", "b1"]);
      await site.pass(20_000);
      expect(done).toEqual(["b0", "b1", "a0", "a1", "a2"]);
    });

    test("a handler that hangs delays no other key, and its own comes in its order", async () => {
      await using site = await harness.start();
      const begun: unknown[] = [];
      const end = Promise.withResolvers<void>();
      const { queue, driver } = await consumeOn(
        site,
        {
          consume({ data, key }) {
            begun.push(data);
            return key === "hot" ? end.promise : undefined;
          },
        },
        { concurrency: 2, buffer: 8 },
      );
      const hot = Array.from({ length: 60 }, (_, n) => ({ type: "t", payload: n, key: "hot" }));
      await queue.enqueueAll([...hot, { type: "t", payload: "fine", key: "other" }]);
      for (let n = 0; n < 40 && begun.length < 2; n++) await site.pass(1_000);
      expect(begun).toEqual([0, "fine"]);
      expect((await driver.inspector.queues())[0]?.held).toBeGreaterThan(50);
      end.resolve();
      for (let n = 0; n < 40 && begun.length < 61; n++) await site.pass(1_000);
      expect(begun).toEqual([0, "fine", ...hot.slice(1).map(({ payload }) => payload)]);
      for (let n = 0; n < 5; n++) await site.pass(1_000);
      const [info] = await driver.inspector.queues();
      expect(info).toMatchObject({ held: 0, processed: 61, counts: { pending: 0, active: 0 } });
    });

    test("runs a chain, each step with the result of the one before", async () => {
      await using site = await harness.start();
      const seen: unknown[] = [];
      const { queue } = await consumeOn(site, {
        tasks: {
          one: ({ data }) => (data as { input: number }).input + 1,
          two: ({ data }) => void seen.push(data),
        },
      });
      await queue.chain([
        { type: "one", payload: 1 },
        { type: "two", payload: "x" },
      ]);
      await site.quiet();
      await site.quiet();
      expect(seen).toEqual([{ input: "x", previous: 2 }]);
    });

    test("makes one task of a group; a group whose aggregate() fails waits again", async () => {
      await using site = await harness.start();
      const sums: unknown[] = [];
      let failures = 1;
      const limits = { grace: 2_000, maxDelay: 0, maxSize: 0 };
      const { queue } = await consumeOn(
        site,
        {
          aggregate(group, messages) {
            if (failures-- > 0) throw new Error("not yet");
            const total = messages.reduce((sum, { data }) => sum + (data as number), 0);
            return { type: `sum:${group}`, payload: total };
          },
          consume: ({ type, data }) => void sums.push([type, data]),
        },
        { groups: limits },
      );
      for (const payload of [1, 2, 3]) await queue.enqueue("add", payload, { group: "g" });
      for (let second = 0; second < 20; second++) await site.pass(1_000);
      expect(sums).toEqual([["sum:g", 6]]);
    });

    test("gives back at a stop what has not begun, in its old place and without an attempt", async () => {
      await using site = await harness.start();
      const begun: unknown[] = [];
      const end = Promise.withResolvers<void>();
      const { queue, intake, lease, driver } = await consumeOn(
        site,
        {
          consume({ data }) {
            begun.push(data);
            return end.promise;
          },
        },
        { concurrency: 1 },
      );
      await queue.enqueueAll([0, 1, 2, 3].map((payload) => ({ type: "t", payload })));
      await site.quiet();
      intake.quiet();
      await site.quiet();
      const { tasks } = await driver.inspector.tasks("default", { state: "pending" }, { limit: 10 });
      expect(tasks.map(({ payload, retried }) => [payload, retried])).toEqual([
        ["1", 0],
        ["2", 0],
        ["3", 0],
      ]);
      end.resolve();
      await lease.drain({ final: true });
      expect(begun).toEqual([0]);
    });
  });
}
