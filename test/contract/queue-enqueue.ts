import assert from "node:assert/strict";
import type { DriverCase } from "./queue-site.ts";
import { ackAll, consume, ids, take, takeOne, task, tasks } from "./queue-site.ts";

const enqueued = { tag: "enqueued", state: "pending" } as const;

export const enqueueCases: readonly DriverCase[] = [
  {
    name: "enqueue() gives all that the task was made with to whoever receives it",
    async run(site) {
      const driver = await site.open();
      const made = task({
        payload: '{"ü":"\\u0000 😀"}',
        headers: { traceparent: "00-1-2-03", "x-ü": "ä" },
        key: "order-7",
        maxRetry: 3,
        timeout: 5 * site.unit,
        deadline: site.clock.wall() + 3_600_000,
        retention: 60_000,
      });
      assert.deepEqual(await driver.enqueue([made]), [enqueued]);
      const got = await takeOne(consume(site, driver));
      const { payload, headers, key, maxRetry, timeout, deadline, retention } = got;
      assert.equal(textOf(payload), made.payload);
      assert.deepEqual(
        { headers: { ...headers }, key, maxRetry, timeout, deadline, retention },
        {
          headers: made.headers,
          key: made.key,
          maxRetry: 3,
          timeout: made.timeout,
          deadline: made.deadline,
          retention: 60_000,
        },
      );
      assert.deepEqual([got.id, got.queue, got.type], [made.id, "q", "test:one"]);
      assert.deepEqual([got.retried, got.crashes], [0, 0]);
      assert.ok(Math.abs(got.enqueuedAt - site.clock.wall()) <= 2 * site.unit);
      assert.ok(Math.abs(got.dueAt - site.clock.wall()) <= 2 * site.unit);
    },
  },
  {
    name: "enqueue() keeps payloads byte for byte: binary, with NUL, empty, large, and text",
    async run(site) {
      const driver = await site.open();
      const large = new Uint8Array(300_000).map((_, index) => index * 7);
      const payloads = [
        new Uint8Array([0, 255, 128, 10, 0]),
        "a\0b",
        "",
        new Uint8Array(),
        large,
        "“text” 😀",
      ];
      await driver.enqueue(payloads.map((payload) => task({ payload })));
      const got = await takeMany(payloads.length);
      assert.deepEqual(
        got.map(({ payload }) => Buffer.from(payload as string).toString("hex")),
        payloads.map((payload) => Buffer.from(payload as string).toString("hex")),
      );

      async function takeMany(many: number) {
        const receiver = consume(site, driver);
        const all = [];
        while (all.length < many) all.push(...(await receiver.receive(many, new AbortController().signal)));
        return all;
      }
    },
  },
  {
    name: "enqueue() answers conflict for an id that exists in the queue, in whatever state, and enqueues nothing twice",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const later = site.clock.wall() + 100 * site.unit;
      const again = async (id: string) => (await driver.enqueue([task({ id })]))[0]?.tag;
      await driver.enqueue([task({ id: "kept", retention: 3_600_000 }), task({ id: "gone" })]);
      assert.equal(await again("kept"), "conflict", "pending");
      const both = [await takeOne(receiver), await takeOne(receiver)];
      assert.equal(await again("kept"), "conflict", "active");
      await ackAll(receiver, both);
      assert.equal(await again("kept"), "conflict", "completed");
      assert.equal(await again("gone"), "enqueued", "done without retention");
      await ackAll(receiver, [await takeOne(receiver)]);
      await driver.enqueue([task({ id: "later", runAt: later }), task({ id: "group", group: "g" })]);
      assert.equal(await again("later"), "conflict", "scheduled");
      assert.equal(await again("group"), "conflict", "aggregating");
      await driver.enqueue([task({ id: "fails" })]);
      const failing = await takeOne(receiver);
      await receiver.settle([{ tag: "retry", delivery: failing, at: later, error: "x", counts: true }]);
      assert.equal(await again("fails"), "conflict", "retry");
      await driver.enqueue([task({ id: "dies" })]);
      await receiver.settle([{ tag: "dead", delivery: await takeOne(receiver), error: "x" }]);
      assert.equal(await again("dies"), "conflict", "archived");
      assert.deepEqual(await take(site, receiver), []);
    },
  },
  {
    name: "enqueue() takes the same id in another queue: ids belong to queues",
    async run(site) {
      const driver = await site.open();
      const results = await driver.enqueue([task({ id: "same" }), task({ id: "same", queue: "other" })]);
      assert.deepEqual(results, [enqueued, enqueued]);
    },
  },
  {
    name: "enqueue() of many answers each by itself, in their order",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue([task({ id: "there" })]);
      const unique = { key: "lock", ttl: 3_600_000 };
      const later = site.clock.wall() + 100 * site.unit;
      const results = await driver.enqueue([
        task({ id: "m1" }),
        task({ id: "there" }),
        task({ id: "m2", unique }),
        task({ id: "m3", unique }),
        task({ id: "m4", runAt: later }),
        task({ id: "m1" }),
        task({ id: "m5", group: "g" }),
      ]);
      const told = results.map((result) => (result.tag === "enqueued" ? result.state : result.tag));
      assert.deepEqual(told, [
        "pending",
        "conflict",
        "pending",
        "duplicate",
        "scheduled",
        "conflict",
        "aggregating",
      ]);
      assert.deepEqual(ids(await take(site, consume(site, driver))), ["there", "m1", "m2"]);
    },
  },
  {
    name: "enqueue() of nothing is nothing",
    async run(site) {
      assert.deepEqual(await (await site.open()).enqueue([]), []);
    },
  },
  {
    name: "enqueue() of many at once keeps the order of the calls",
    async run(site) {
      const driver = await site.open();
      const all = tasks("a", 50);
      await Promise.all(all.map((one) => driver.enqueue([one])));
      const receiver = consume(site, driver);
      const got: string[] = [];
      while (got.length < 50) got.push(...ids(await receiver.receive(7, new AbortController().signal)));
      assert.deepEqual(got, ids(all));
    },
  },
  {
    name: "enqueue() with runAt in the past is one for now",
    async run(site) {
      const driver = await site.open();
      const past = task({ runAt: site.clock.wall() - 100 * site.unit });
      assert.deepEqual(await driver.enqueue([past]), [enqueued]);
      assert.equal((await takeOne(consume(site, driver))).id, past.id);
    },
  },
  {
    name: "unique: while the lock is held another task is a duplicate, and its own id again a conflict",
    async run(site) {
      const driver = await site.open();
      const unique = { key: "u", ttl: 3_600_000 };
      const own = task({ unique });
      await driver.enqueue([own]);
      assert.deepEqual(await driver.enqueue([task({ unique }), own]), [
        { tag: "duplicate" },
        { tag: "conflict" },
      ]);
      assert.deepEqual(await driver.enqueue([task({ unique: { key: "another", ttl: 1_000 } })]), [enqueued]);
    },
  },
  {
    name: "unique: the lock is held through retries, and released when the task is done, kept or not",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      for (const retention of [0, 3_600_000]) {
        const unique = { key: `u${retention}`, ttl: 3_600_000 };
        await driver.enqueue([task({ unique, retention })]);
        const now = site.clock.wall();
        await receiver.settle([
          { tag: "retry", delivery: await takeOne(receiver), at: now, error: "x", counts: true },
        ]);
        assert.equal((await driver.enqueue([task({ unique })]))[0]?.tag, "duplicate");
        const again = receiver.receive(1, new AbortController().signal);
        await site.pass(2 * site.unit);
        await ackAll(receiver, await again);
        assert.equal((await driver.enqueue([task({ unique })]))[0]?.tag, "enqueued");
        await ackAll(receiver, [await takeOne(receiver)]);
      }
    },
  },
  {
    name: "unique: the lock is released when the task is deleted",
    async run(site) {
      const driver = await site.open();
      const unique = { key: "u", ttl: 3_600_000 };
      const one = task({ unique });
      await driver.enqueue([one]);
      assert.equal(await driver.inspector.act("q", "delete", { ids: [one.id] }), 1);
      assert.deepEqual(await driver.enqueue([task({ unique })]), [enqueued]);
    },
  },
  {
    name: "unique: the lock ends with its ttl, which begins when the task may run",
    async run(site) {
      const driver = await site.open();
      const ttl = 5 * site.unit;
      const delayed = { unique: { key: "delayed", ttl }, runAt: site.clock.wall() + 10 * site.unit };
      const prompt = { unique: { key: "prompt", ttl } };
      await driver.enqueue([task(prompt), task(delayed)]);
      await site.pass(8 * site.unit);
      assert.deepEqual(
        (await driver.enqueue([task(prompt), task({ unique: delayed.unique })])).map(({ tag }) => tag),
        ["enqueued", "duplicate"],
      );
      await site.pass(9 * site.unit);
      assert.equal((await driver.enqueue([task({ unique: delayed.unique })]))[0]?.tag, "enqueued");
    },
  },
  {
    name: "enqueue() is durable: another driver, opened when all were closed, finds it",
    needs: "outlives",
    async run(site) {
      const first = await site.open();
      await first.enqueue(tasks("a", 3));
      await first.close();
      assert.deepEqual(ids(await take(site, consume(site, await site.open()))), ["a1", "a2", "a3"]);
    },
  },
];

function textOf(payload: Uint8Array | string): string {
  return typeof payload === "string" ? payload : new TextDecoder().decode(payload);
}
