import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { prepareAll } from "../../../src/queue/drivers/sqlite/statements.ts";
import { tasks } from "../../contract/queue-site.ts";
import { openSite, subscription } from "../../support/sqlite-site.ts";

describe("sqlite: upkeep", () => {
  test("the archive keeps the newest ten thousand, and ninety days", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 10_400));
    await site.driver.inspector.act("q", "archive", { state: "pending" });
    for (let second = 0; second < 4; second++) {
      await site.clock.tick(1_100);
      await site.driver.enqueue(tasks(`later${second}-`, 1, { runAt: Number.MAX_SAFE_INTEGER / 4 }));
      await site.driver.inspector.act("q", "archive", { ids: [`later${second}-1`] });
    }
    await site.clock.tick(1_100);
    await site.driver.enqueue(tasks("b", 1));
    expect((await site.driver.inspector.queues())[0]?.counts.archived).toBe(10_000);
    expect(await site.driver.inspector.task("q", "later3-1")).toBeDefined();
    await site.clock.tick(91 * 86_400_000);
    for (let turn = 0; turn < 100; turn++) await site.driver.enqueue(tasks(`c${turn}-`, 1));
    expect((await site.driver.inspector.queues())[0]?.counts.archived).toBe(0);
    await store.close();
  });

  test("the write-ahead log stays small under load, and is emptied when nothing happens", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    const store = await site.connected();
    const receiver = site.driver.subscribe(subscription);
    let largest = 0;
    for (let round = 0; round < 60; round++) {
      await site.driver.enqueue(tasks(`r${round}-`, 500, { payload: "x".repeat(1_000) }));
      const got = await receiver.receive(500, new AbortController().signal);
      await receiver.settle(got.map((delivery) => ({ tag: "ack", delivery })));
      largest = Math.max(largest, statSync(`${site.file}-wal`).size);
    }
    expect(largest).toBeLessThan(16_000_000);
    await site.clock.tick(4_000);
    expect(statSync(`${site.file}-wal`).size).toBe(0);
    await store.close();
  });

  test("large payloads are written once, shown, and gone with their tasks", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const payload = "ä".repeat(500_000);
    await site.driver.enqueue([...tasks("a", 2, { payload }), ...tasks("a", 1, { payload })]);
    expect((await site.driver.inspector.task("q", "a1"))?.payload).toBe(payload);
    const before = statSync(`${site.file}-wal`).size;
    const receiver = site.driver.subscribe(subscription);
    const [a1, a2] = await receiver.receive(2, new AbortController().signal);
    expect([a1?.payload, a2?.payload]).toEqual([payload, payload]);
    expect(statSync(`${site.file}-wal`).size - before).toBeLessThan(100_000);
    await receiver.settle(a1 ? [{ tag: "ack", delivery: a1 }] : []);
    await receiver.close();
    await site.driver.inspector.act("q", "delete", {});
    expect(store.ask.one("SELECT count(*) AS n FROM bodies")?.n).toBe(0);
    await store.close();
  });

  test("what was removed gives its room back", async () => {
    await using site = openSite("queue.db", "?synchronous=normal");
    const store = await site.connected();
    await site.driver.enqueue(tasks("a", 3_000, { payload: "x".repeat(2_000) }));
    await site.driver.inspector.act("q", "delete", {});
    const unlisten = store.listen(() => {});
    const before = site.pragma("page_count") as number;
    await site.clock.tick(15_000);
    expect(site.pragma("page_count") as number).toBeLessThan(before / 2);
    unlisten();
    await store.close();
  });
});

describe("sqlite: what claims cost", () => {
  test("every statement that runs often finds its rows by an index, in order, without sorting", async () => {
    await using site = openSite("queue.db");
    const store = await site.connected();
    const slow: string[] = [];
    for (const [name, text] of statementTexts()) {
      const plan = store.ask.all(`EXPLAIN QUERY PLAN ${text}`).map(({ detail }) => String(detail));
      if (plan.some((step) => /SCAN (?!cancels)|USE TEMP B-TREE/.test(step)))
        slow.push(`${name}: ${plan.join("; ")}`);
    }
    expect(slow).toEqual([]);
    await store.close();
  });
});

/** The texts as they were prepared, with 1 for each value. */
function statementTexts(): [string, string][] {
  const texts = new Map<string, string>();
  const spy = { prepare: (text: string) => text } as unknown as DatabaseSync;
  for (const [name, text] of Object.entries(prepareAll(spy) as unknown as Record<string, string>)) {
    if (!text.startsWith("PRAGMA")) texts.set(name, text.replace(/\?\d*/g, "1"));
  }
  return [...texts];
}
