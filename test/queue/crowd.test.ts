import { describe, expect, test } from "bun:test";
import { Desk, Site } from "./setup.ts";

describe("a key whose handler takes long", () => {
  test("keeps no message of another key waiting, however many of its own there are", async () => {
    const site = new Site({ concurrency: 3 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(50, "hot");
    site.enqueue(3, "fine");
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    await site.pass(3_000);
    expect(desk.begun).toEqual(["t0", "t50"]);
    for (const id of ["t50", "t51"]) {
      desk.end(id);
      await site.rest();
    }
    expect(desk.begun).toEqual(["t0", "t50", "t51", "t52"]);
    expect(site.intake.stats()).toMatchObject({ active: 2, blockedKeys: 1, lost: 0 });
    expect(site.intake.stats().buffered).toBeLessThan(16);

    // Whoever takes over finds the order as it was.
    desk.end("t52");
    for (let n = 0; n < 50; n++) {
      expect(desk.begun.at(n < 1 ? 0 : -1)).toBe(`t${n}`);
      desk.end(`t${n}`);
      await site.pass(1_000);
    }
    expect(new Set(site.states())).toEqual(new Set(["done"]));
    expect(site.intake.stats()).toMatchObject({ done: 53, active: 0, buffered: 0, blockedKeys: 0 });
    expect(Math.max(...site.broker.settlements.values())).toBe(1);
  });

  test("looks for others at a bounded pace, and goes on by itself", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(1_000, "hot");
    site.enqueue(1, "fine");
    const held = () => site.states().filter((state) => state === "held").length;
    const rest = async () => {
      for (let n = 0; n < 40; n++) await site.rest();
    };
    await site.pass(1_000);
    await rest();
    const first = held();
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThanOrEqual(10 * 16 + 16);
    await rest();
    expect(held()).toBe(first);
    for (let seconds = 0; seconds < 7; seconds++) {
      await site.pass(1_000);
      await rest();
    }
    expect(desk.begun).toEqual(["t0", "t1000"]);
  });

  test("a handler that runs into its time-out delays its own key alone, before and after", async () => {
    const site = new Site({ concurrency: 2, timeout: 10_000 });
    const begun: string[] = [];
    await site.open({
      async consume({ id, attempt }) {
        begun.push(id);
        if (id === "t0" && attempt === 1) await new Promise(() => {});
      },
    });
    site.enqueue(40, "hot");
    site.enqueue(5, "fine");
    await site.pass(4_000);
    expect(begun).toEqual(["t0", "t40", "t41", "t42", "t43", "t44"]);
    await site.pass(60_000);
    const hot = begun.slice(6);
    expect(hot).toEqual(Array.from({ length: 40 }, (_, n) => `t${n}`));
  });

  test("what a stop sends back keeps its order for whoever comes next", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    const lease = await site.open(desk);
    site.enqueue(30, "hot");
    await site.pass(3_000);
    const drained = lease.drain({ final: false });
    await site.rest();
    desk.end("t0");
    await drained;
    const next = new Desk();
    await site.open(next);
    for (let n = 1; n < 30; n++) {
      await site.pass(1_000);
      next.end(`t${n}`);
    }
    expect(next.begun).toEqual(Array.from({ length: 29 }, (_, n) => `t${n + 1}`));
  });

  test("keeps none of another key waiting where messages are handled in batches, either", async () => {
    const site = new Site({ concurrency: 2, batch: { size: 4, wait: 0 } });
    const desk = new Desk();
    const batches: string[][] = [];
    await site.open({
      async consumeBatch(messages) {
        batches.push(messages.map(({ id }) => id));
        if (messages.some(({ key }) => key === "hot")) await desk.consume(messages[0] as { id: string });
      },
    });
    site.enqueue(50, "hot");
    site.enqueue(6, "fine");
    await site.pass(5_000);
    expect(batches[0]).toEqual(["t0", "t1", "t2", "t3"]);
    expect(batches.slice(1).flat()).toEqual(["t50", "t51", "t52", "t53", "t54", "t55"]);
    while (desk.open.size > 0) {
      for (const id of desk.open.keys()) desk.end(id);
      await site.pass(1_000);
    }
    const hot = batches.flat().filter((id) => Number(id.slice(1)) < 50);
    expect(hot).toEqual(Array.from({ length: 50 }, (_, n) => `t${n}`));
    expect(new Set(site.states())).toEqual(new Set(["done"]));
    expect(site.intake.stats()).toMatchObject({ done: 56, buffered: 0, blockedKeys: 0, lost: 0 });
    expect(Math.max(...site.broker.settlements.values())).toBe(1);
  });

  test("one that may not begin yet delays no other key in batches", async () => {
    const site = new Site({
      concurrency: 2,
      batch: { size: 4, wait: 0 },
      limitPerKey: { rate: 1, per: 60_000 },
    });
    const begun: string[] = [];
    await site.open({ consumeBatch: (messages) => void begun.push(...messages.map(({ id }) => id)) });
    site.enqueue(50, "hot");
    site.enqueue(1, "fine");
    await site.pass(5_000);
    expect(begun).toEqual(["t0", "t50"]);
  });
});
