import assert from "node:assert/strict";
import process from "node:process";
import type { TaskFilter, TaskInfo } from "../../src/core/task.ts";
import type { Driver } from "../../src/queue/driver.ts";
import type { DriverSite } from "./queue-driver.ts";
import type { DriverCase } from "./queue-site.ts";
import { ackAll, consume, failed, ids, take, takeOne, task, tasks } from "./queue-site.ts";

export const inspectorCases: readonly DriverCase[] = [
  {
    name: "inspector: queues() counts the tasks of each state, and how long the oldest has waited",
    async run(site) {
      const driver = await everyState(site);
      await site.pass(3 * site.unit);
      const info = (await driver.inspector.queues()).find(({ queue }) => queue === "q");
      assert.deepEqual(info?.counts, {
        pending: 2,
        active: 1,
        scheduled: 1,
        retry: 1,
        archived: 1,
        completed: 1,
        aggregating: 1,
      });
      assert.ok(info.latency >= 2 * site.unit && info.latency <= 60 * site.unit, `latency ${info.latency}`);
      assert.deepEqual([info.paused, info.held], [false, 0]);
    },
  },
  {
    name: "inspector: queues() and history() count attempts that ended: done, failed, dead",
    async run(site) {
      const driver = await everyState(site);
      const [info] = await driver.inspector.queues();
      assert.deepEqual([info?.processed, info?.failed], [3, 2]);
      assert.deepEqual([info?.processedTotal, info?.failedTotal], [3, 2]);
      const days = await driver.inspector.history("q", 3);
      assert.deepEqual(
        days.map(({ processed, failed }) => [processed, failed]),
        [
          [3, 2],
          [0, 0],
          [0, 0],
        ],
      );
      assert.equal(days[0]?.day, new Date(site.clock.wall()).toISOString().slice(0, 10));
      assert.ok((days[0]?.day ?? "") > (days[1]?.day ?? ""));
    },
  },
  {
    name: "inspector: a retry that does not count is no attempt",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task()]);
      await receiver.settle([failed(await takeOne(receiver), site.clock.wall(), { counts: false })]);
      const [info] = await driver.inspector.queues();
      assert.deepEqual([info?.processed, info?.failed], [0, 0]);
    },
  },
  {
    name: "inspector: task() shows a task in every state; of an unknown one nothing",
    async run(site) {
      const driver = await everyState(site);
      const states = [];
      for (const id of everyId) states.push((await driver.inspector.task("q", id))?.state);
      assert.deepEqual(states, [...everyId.slice(0, 7), "pending"]);
      assert.equal(await driver.inspector.task("q", "nobody"), undefined);
      assert.equal(await driver.inspector.task("nowhere", "nobody"), undefined);
      const active = await driver.inspector.task("q", "active");
      assert.ok(active?.owner, "who works on it");
      const binary = task({ payload: new Uint8Array([255, 0, 1]) });
      const made = task({ key: "k", headers: { a: "b" }, payload: '"ü"', timeout: 5_000 });
      await driver.enqueue([binary, made]);
      const shown = await driver.inspector.task("q", binary.id);
      assert.deepEqual([shown?.payload, shown?.encoding], ["/wAB", "base64"]);
      const other = await driver.inspector.task("q", made.id);
      assert.deepEqual(
        [other?.payload, other?.encoding, { ...other?.headers }, other?.key, other?.timeout, other?.maxRetry],
        ['"ü"', undefined, { a: "b" }, "k", 5_000, 25],
      );
    },
  },
  {
    name: "inspector: tasks() pages through a state in the order in which they will run",
    async run(site) {
      const driver = await site.open();
      const now = site.clock.wall();
      await driver.enqueue(tasks("p", 25));
      await driver.enqueue([
        task({ id: "s2", runAt: now + 200 * site.unit }),
        task({ id: "s1", runAt: now + 100 * site.unit }),
      ]);
      const pages = await pagesOf(driver, { state: "pending" }, 10);
      assert.deepEqual(
        pages.map((page) => page.length),
        [10, 10, 5],
      );
      assert.deepEqual(ids(pages.flat()), ids(tasks("p", 25)));
      assert.deepEqual(ids((await pagesOf(driver, { state: "scheduled" }, 10)).flat()), ["s1", "s2"]);
      assert.equal((await pagesOf(driver, {}, 4)).flat().length, 27);
      assert.equal(new Set(ids((await pagesOf(driver, {}, 4)).flat())).size, 27);
    },
  },
  {
    name: "inspector: tasks() refuses a place where no page could have ended",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue([task({ id: "a" }), task({ id: "b" })]);
      for (const after of ["nonsense", "", "1", "pending:x", "-1:2:3", "a:b:c"]) {
        await assert.rejects(driver.inspector.tasks("q", {}, { limit: 1, after }), RangeError);
      }
    },
  },
  {
    name: "inspector: tasks() gives the newest first of those that ended",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 500 * site.unit });
      await driver.enqueue(tasks("a", 4, { retention: 3_600_000 }));
      const [a1, a2, a3, a4] = await take(site, receiver);
      assert.ok(a1 && a2 && a3 && a4);
      for (const delivery of [a2, a1]) {
        await receiver.settle([{ tag: "dead", delivery, error: "x" }]);
        await site.pass(2 * site.unit);
      }
      for (const delivery of [a4, a3]) {
        await ackAll(receiver, [delivery]);
        await site.pass(2 * site.unit);
      }
      assert.deepEqual(ids((await pagesOf(driver, { state: "archived" }, 1)).flat()), ["a1", "a2"]);
      assert.deepEqual(ids((await pagesOf(driver, { state: "completed" }, 1)).flat()), ["a3", "a4"]);
    },
  },
  {
    name: "inspector: tasks() filters by id, type, beginning of a type, time and text of the error",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([
        task({ id: "a1", type: "order:close" }),
        task({ id: "a2", type: "order:open" }),
        task({ id: "a3", type: "mail" }),
      ]);
      const [a1, a2, a3] = await take(site, receiver);
      assert.ok(a1 && a2 && a3);
      await receiver.settle([
        { tag: "dead", delivery: a1, error: "Timeout after 5s" },
        { tag: "dead", delivery: a2, error: "NO_HANDLER: order:open" },
      ]);
      await site.pass(5 * site.unit);
      const since = site.clock.wall();
      await receiver.settle([{ tag: "dead", delivery: a3, error: "timeout" }]);
      await driver.enqueue([task({ id: "b1", type: "order:close" })]);
      const found = async (filter: TaskFilter) => ids((await pagesOf(driver, filter, 10)).flat()).sort();
      assert.deepEqual(await found({ type: "order:close" }), ["a1", "b1"]);
      assert.deepEqual(await found({ type: "order:*" }), ["a1", "a2", "b1"]);
      assert.deepEqual(await found({ type: "order" }), []);
      assert.deepEqual(await found({ error: "timeout" }), ["a1", "a3"]);
      assert.deepEqual(await found({ since }), ["a3", "b1"]);
      assert.deepEqual(await found({ ids: ["a2", "b1", "none"] }), ["a2", "b1"]);
      assert.deepEqual(await found({ state: "archived", type: "order:*", error: "no_handler" }), ["a2"]);
    },
  },
  {
    name: "inspector: tasks() finds by their last error tasks whose time for another attempt has come, too",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 3));
      const at = site.clock.wall() + 5 * site.unit;
      const [first, ...others] = await take(site, receiver);
      assert.ok(first);
      await receiver.settle(
        [first, ...others].map((delivery) => failed(delivery, at, { error: "No route" })),
      );
      await site.pass(10 * site.unit);
      const found = async (filter: TaskFilter) => ids((await pagesOf(driver, filter, 2)).flat()).sort();
      assert.deepEqual(await found({ error: "no route" }), ["a1", "a2", "a3"]);
      const again = await takeOne(receiver);
      assert.deepEqual(await found({ error: "no route" }), ["a1", "a2", "a3"]);
      assert.deepEqual(await found({ error: "no route", state: "active" }), [again.id]);
      assert.equal((await driver.inspector.task("q", again.id))?.lastError, "No route");
    },
  },
  {
    name: "inspector: act() run lets what waits for its time run now",
    async run(site) {
      const driver = await site.open();
      const later = site.clock.wall() + 500 * site.unit;
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "fails" })]);
      await receiver.settle([failed(await takeOne(receiver), later)]);
      await driver.enqueue([task({ id: "scheduled", runAt: later }), task({ id: "grouped", group: "g" })]);
      assert.equal(await driver.inspector.act("q", "run", {}), 3);
      assert.equal(await driver.inspector.act("q", "run", {}), 0);
      const got = await take(site, receiver);
      assert.deepEqual(ids(got).sort(), ["fails", "grouped", "scheduled"]);
      assert.deepEqual(got.find(({ id }) => id === "fails")?.retried, 1);
    },
  },
  {
    name: "inspector: act() retry takes the archived and completed, too, with all attempts anew",
    async run(site) {
      const driver = await everyState(site);
      const done = await driver.inspector.act("q", "retry", { ids: ["archived", "completed", "retry"] });
      assert.equal(done, 3);
      const got = await take(site, consume(site, await site.open()));
      const again = got.filter(({ id }) => ["archived", "completed", "retry"].includes(id));
      assert.deepEqual(
        again.map(({ retried }) => retried),
        [0, 0, 0],
      );
      assert.equal((await driver.inspector.task("q", "completed"))?.completedAt, undefined);
    },
  },
  {
    name: "inspector: act() archive takes all that wait, not what is active or over",
    async run(site) {
      const driver = await everyState(site);
      assert.equal(await driver.inspector.act("q", "archive", {}), 5);
      const counts = (await driver.inspector.queues())[0]?.counts;
      assert.deepEqual([counts?.archived, counts?.active, counts?.completed], [6, 1, 1]);
      assert.deepEqual(await take(site, consume(site, driver)), []);
    },
  },
  {
    name: "inspector: act() delete takes all but what is active, by filter",
    async run(site) {
      const driver = await everyState(site);
      assert.equal(await driver.inspector.act("q", "delete", { state: "archived" }), 1);
      assert.equal(await driver.inspector.act("q", "delete", { type: "another:*" }), 0);
      assert.equal(await driver.inspector.act("q", "delete", {}), 6);
      const counts = (await driver.inspector.queues())[0]?.counts;
      assert.deepEqual(counts, {
        pending: 0,
        active: 1,
        scheduled: 0,
        retry: 0,
        archived: 0,
        completed: 0,
        aggregating: 0,
      });
      assert.equal(await driver.inspector.act("nowhere", "delete", {}), 0);
    },
  },
  {
    name: "inspector: act() takes any number of tasks",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue(tasks("a", 2_500));
      assert.equal(await driver.inspector.act("q", "archive", { state: "pending" }), 2_500);
      assert.equal(await driver.inspector.act("q", "retry", { state: "archived" }), 2_500);
      assert.equal(await driver.inspector.act("q", "delete", {}), 2_500);
    },
  },
  {
    name: "inspector: act() cancel tells whoever works on it, and is done to active tasks only",
    async run(site) {
      const [driver, other] = [await site.open(), await site.open()];
      const cancelled: string[] = [];
      const receiver = consume(site, driver, { onCancel: (id) => cancelled.push(id) });
      await driver.enqueue(tasks("a", 2));
      await takeOne(receiver);
      assert.equal(await other.inspector.act("q", "cancel", { ids: ["a1", "a2"] }), 1);
      await site.pass(3 * site.unit);
      assert.deepEqual(cancelled, ["a1"]);
      assert.equal((await driver.inspector.task("q", "a1"))?.state, "active", "its handler has to end it");
    },
  },
  {
    name: "inspector: servers() lists who consumes, with what they work on",
    async run(site) {
      const [driver, other] = [await site.open(), await site.open()];
      const receiver = consume(site, driver, { concurrency: 7, queues: [{ queue: "q", weight: 3 }] });
      await driver.enqueue(tasks("a", 3));
      await takeOne(receiver);
      await site.pass(2 * site.unit);
      const server = (await other.inspector.servers()).find(({ concurrency }) => concurrency === 7);
      assert.equal(server?.pid, process.pid);
      assert.ok(server.host && server.id && server.startedAt > 0);
      assert.deepEqual([{ ...server.queues }, server.active], [{ q: 3 }, 1]);
      await receiver.close();
      await site.pass(2 * site.unit);
      assert.ok((await other.inspector.servers()).every(({ concurrency }) => concurrency !== 7));
    },
  },
];

const everyId = [
  "pending",
  "active",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
  "another",
];

/** A queue with one task in each state, named after it, and another one that is pending. */
async function everyState(site: DriverSite): Promise<Driver> {
  const driver = await site.open();
  const receiver = consume(site, driver, { lease: 500 * site.unit });
  const later = site.clock.wall() + 500 * site.unit;
  const retention = 3_600_000;
  await driver.enqueue(["retry", "archived", "completed", "active"].map((id) => task({ id, retention })));
  const [retry, archived, completed] = await take(site, receiver);
  assert.ok(retry && archived && completed);
  await receiver.settle([
    failed(retry, later),
    { tag: "dead", delivery: archived, error: "over" },
    { tag: "ack", delivery: completed },
  ]);
  await driver.enqueue([
    task({ id: "pending" }),
    task({ id: "scheduled", runAt: later }),
    task({ id: "aggregating", group: "g" }),
    task({ id: "another" }),
  ]);
  return driver;
}

async function pagesOf(driver: Driver, filter: TaskFilter, limit: number): Promise<(readonly TaskInfo[])[]> {
  const pages: (readonly TaskInfo[])[] = [];
  let after: string | undefined;
  do {
    const page = await driver.inspector.tasks("q", filter, { limit, ...(after ? { after } : {}) });
    pages.push(page.tasks);
    after = page.next;
  } while (after !== undefined && pages.length < 100);
  return pages;
}
