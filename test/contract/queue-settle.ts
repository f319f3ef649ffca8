import assert from "node:assert/strict";
import type { Delivery } from "../../src/queue/driver.ts";
import type { DriverCase } from "./queue-site.ts";
import { ackAll, consume, failed, ids, take, takeOne, task, tasks } from "./queue-site.ts";

const never = () => new AbortController().signal;

export const settleCases: readonly DriverCase[] = [
  {
    name: "settle() ack: the task is gone",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery }]), ["settled"]);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery }]), ["lost"], "once only");
      assert.equal(await driver.inspector.task("q", "a1"), undefined);
      assert.deepEqual(await take(site, receiver), []);
    },
  },
  {
    name: "settle() ack: with retention the task is kept with its result for that long",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1", retention: 10 * site.unit })]);
      const delivery = await takeOne(receiver);
      await receiver.settle([{ tag: "ack", delivery, result: '{"sum":3}' }]);
      const kept = await driver.inspector.task("q", "a1");
      assert.deepEqual([kept?.state, kept?.result], ["completed", '{"sum":3}']);
      assert.ok(Math.abs((kept?.completedAt ?? 0) - site.clock.wall()) <= 2 * site.unit);
      assert.deepEqual(await take(site, receiver), []);
      await site.pass(12 * site.unit);
      await driver.enqueue([task()]);
      await site.quiet();
      assert.equal(await driver.inspector.task("q", "a1"), undefined);
      assert.equal((await driver.inspector.queues())[0]?.counts.completed, 0);
    },
  },
  {
    name: "settle(): an error is kept without NUL and lone surrogates, the same with every driver",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" }), task({ id: "a2" })]);
      const [first, second] = await receiver.receive(2, never());
      const error = "a\0b\ud800c\u{1f600}";
      await receiver.settle([
        failed(first as Delivery, site.clock.wall() + 60 * site.unit, { error }),
        { tag: "dead", delivery: second as Delivery, error },
      ]);
      for (const id of ["a1", "a2"]) {
        const kept = await driver.inspector.task("q", id);
        assert.equal(kept?.lastError, "a\ufffdb\ufffdc\u{1f600}");
      }
    },
  },
  {
    name: "settle() ack with next enqueues it in the same step",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      const next = task({
        id: "next",
        queue: "other",
        payload: "step 2",
        headers: { "supervisor-chain": "1" },
      });
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery, next }]), ["settled"]);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery, next }]), ["lost"], "once only");
      const got = await take(site, consume(site, driver, { queues: [{ queue: "other", weight: 1 }] }));
      assert.deepEqual(ids(got), ["next"]);
      assert.deepEqual({ ...got[0]?.headers }, { "supervisor-chain": "1" });
    },
  },
  {
    name: "settle() ack with next whose id another task has archives the delivery, and its key goes on",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const next = task({ id: "next", queue: "other", payload: "second" });
      await driver.enqueue([{ ...next, payload: "first", runAt: site.clock.wall() + 500 * site.unit }]);
      await driver.enqueue(tasks("a", 4, { retention: 500 * site.unit }));
      const [a1, a2, a3, a4] = await receiver.receive(4, never());
      assert.ok(a1 && a2 && a3 && a4);
      await receiver.settle([failed(a1, site.clock.wall(), { blocks: "k" })]);
      const again = receiver.receive(1, never());
      await site.pass(2 * site.unit);
      const [blocker] = await again;
      assert.ok(blocker);
      const results = await receiver.settle([
        { tag: "hold", delivery: a2, key: "k" },
        { tag: "ack", delivery: blocker, result: "1", next, unblocks: "k" },
        { tag: "ack", delivery: a3 },
        { tag: "ack", delivery: a4, next: task({ id: "free", queue: "other" }) },
      ]);
      assert.deepEqual(results, ["settled", "archived", "settled", "settled"]);
      const info = await driver.inspector.task("q", "a1");
      assert.deepEqual([info?.state, info?.result], ["archived", undefined]);
      assert.match(info?.lastError ?? "", /^The next step of the chain .*"other" has another task .*"next"$/);
      assert.equal(
        Buffer.from((await driver.inspector.task("other", "next"))?.payload ?? "").toString(),
        "first",
      );
      assert.equal((await driver.inspector.task("other", "free"))?.state, "pending");
      assert.equal((await driver.inspector.task("q", "a4"))?.state, "completed");
      assert.deepEqual(ids(await take(site, receiver)), ["a2"]);
      const counts = (await driver.inspector.queues()).find(({ queue }) => queue === "q")?.counts;
      assert.deepEqual([counts?.active, counts?.archived, counts?.completed], [1, 1, 2]);
      assert.deepEqual(
        await receiver.settle([{ tag: "ack", delivery: blocker, next }]),
        ["lost"],
        "it was settled",
      );
    },
  },
  {
    name: "settle() ack with next takes the id of a task that is done before it in the same call",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 2));
      const [a1, a2] = await receiver.receive(2, never());
      assert.ok(a1 && a2);
      const results = await receiver.settle([
        { tag: "ack", delivery: a1 },
        { tag: "ack", delivery: a2, next: task({ id: "a1" }) },
      ]);
      assert.deepEqual(results, ["settled", "settled"]);
      assert.deepEqual(ids(await take(site, receiver)), ["a1"]);
    },
  },
  {
    name: "settle() retry: again at its time, with one failed attempt more and the error for operators",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const at = site.clock.wall() + 5 * site.unit;
      await receiver.settle([failed(await takeOne(receiver), at)]);
      const info = await driver.inspector.task("q", "a1");
      assert.deepEqual([info?.state, info?.retried, info?.lastError], ["retry", 1, "it broke"]);
      assert.ok(Math.abs((info?.runAt ?? 0) - at) <= site.unit);
      assert.ok(Math.abs((info?.lastFailedAt ?? 0) - site.clock.wall()) <= 2 * site.unit);
      assert.deepEqual(await take(site, receiver), []);
      await site.pass(7 * site.unit);
      const again = await takeOne(receiver);
      assert.deepEqual([again.retried, again.crashes], [1, 0]);
    },
  },
  {
    name: "settle() retry that does not count spends no attempt",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      await receiver.settle([failed(delivery, site.clock.wall(), { counts: false })]);
      const again = receiver.receive(1, never());
      await site.pass(2 * site.unit);
      assert.deepEqual(
        (await again).map(({ retried }) => retried),
        [0],
      );
    },
  },
  {
    name: "settle() dead: the task is in the archive with its error, and runs no more",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      assert.deepEqual(await receiver.settle([{ tag: "dead", delivery, error: "no such order" }]), [
        "settled",
      ]);
      const info = await driver.inspector.task("q", "a1");
      assert.deepEqual([info?.state, info?.lastError], ["archived", "no such order"]);
      assert.ok(Math.abs((info?.lastFailedAt ?? 0) - site.clock.wall()) <= 2 * site.unit);
      await site.pass(3 * site.unit);
      assert.deepEqual(await take(site, receiver), []);
    },
  },
  {
    name: "settle() release: back to its old place before all others, as if it had never been received",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 5));
      const [a1, a2, a3] = await receiver.receive(3, never());
      assert.ok(a1 && a2 && a3);
      await driver.enqueue([task({ id: "newer" })]);
      await receiver.settle([
        { tag: "release", delivery: a3 },
        { tag: "release", delivery: a1 },
        { tag: "ack", delivery: a2 },
      ]);
      const got = await take(site, receiver);
      assert.deepEqual(ids(got), ["a1", "a3", "a4", "a5", "newer"]);
      assert.deepEqual([got[0]?.retried, got[0]?.crashes], [0, 0]);
      assert.equal(got[0]?.dueAt, a1.dueAt);
    },
  },
  {
    name: "settle() wakes who waits: what is released by one is received by another",
    async run(site) {
      const [one, other] = [await site.open(), await site.open()];
      const receiver = consume(site, one);
      await one.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      const waiting = consume(site, other).receive(1, never());
      await site.quiet();
      await receiver.settle([{ tag: "release", delivery }]);
      await site.pass(2 * site.unit);
      assert.deepEqual(ids(await waiting), ["a1"]);
    },
  },
  {
    name: "settle() of many answers each by itself, in their order",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 6));
      const all = await receiver.receive(6, never());
      const [a1, a2, a3, a4, a5, a6] = all;
      assert.ok(a1 && a2 && a3 && a4 && a5 && a6);
      await ackAll(receiver, [a3]);
      const results = await receiver.settle([
        { tag: "ack", delivery: a1 },
        { tag: "release", delivery: a2 },
        { tag: "ack", delivery: a3 },
        { tag: "dead", delivery: a4, error: "x" },
        failed(a5, site.clock.wall() + 500 * site.unit),
        { tag: "ack", delivery: a6 },
      ]);
      assert.deepEqual(results, ["settled", "settled", "lost", "settled", "settled", "settled"]);
      assert.deepEqual(ids(await take(site, receiver)), ["a2"]);
      const counts = (await driver.inspector.queues())[0]?.counts;
      assert.deepEqual([counts?.active, counts?.archived, counts?.retry, counts?.pending], [1, 1, 1, 0]);
    },
  },
  {
    name: "settle() of nothing is nothing, and so is extend()",
    async run(site) {
      const receiver = consume(site, await site.open());
      assert.deepEqual([await receiver.settle([]), await receiver.extend([])], [[], []]);
    },
  },
  {
    name: "settle() of many calls at once settles all",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 40));
      const got = await take(site, receiver);
      assert.equal(got.length, 40);
      const results = await Promise.all(got.map((delivery) => receiver.settle([{ tag: "ack", delivery }])));
      assert.deepEqual(results, Array(40).fill(["settled"]));
    },
  },
  {
    name: "progress() shows operators the last text, while the task is active",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      await receiver.progress(delivery, "10");
      await receiver.progress(delivery, '{"done":20}');
      await site.quiet();
      assert.equal((await driver.inspector.task("q", "a1"))?.progress, '{"done":20}');
      await ackAll(receiver, [delivery]);
      await receiver.progress(delivery, "30");
    },
  },
  {
    name: "progress() of an attempt that has ended is neither shown nor taken, however it ended",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 100 * site.unit });
      const shown = async (id: string) => (await driver.inspector.task("q", id))?.progress;
      await driver.enqueue(tasks("a", 4, { retention: 1_000 * site.unit }));
      const got = await take(site, receiver);
      const [done, again, dead, back] = got as [Delivery, Delivery, Delivery, Delivery];
      for (const delivery of got) await receiver.progress(delivery, "1");
      await receiver.settle([
        { tag: "ack", delivery: done },
        failed(again, site.clock.wall() + 2 * site.unit),
        { tag: "dead", delivery: dead, error: "x" },
        { tag: "release", delivery: back },
      ]);
      for (const { id } of got) assert.equal(await shown(id), undefined);
      for (const delivery of got) await receiver.progress(delivery, "2");
      await site.quiet();
      for (const { id } of got) assert.equal(await shown(id), undefined);
      await site.pass(4 * site.unit);
      const next = await take(site, receiver);
      assert.deepEqual(ids(next).sort(), [again.id, back.id].sort());
      for (const delivery of [again, back]) await receiver.progress(delivery, "3");
      for (const { id } of next) assert.equal(await shown(id), undefined);
      for (const delivery of next) await receiver.progress(delivery, "4");
      await site.quiet();
      for (const { id } of next) assert.equal(await shown(id), "4");
    },
  },
  {
    name: "progress() of one whose lease ran out is neither shown nor taken",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 4 * site.unit });
      await driver.enqueue([task({ id: "a1" })]);
      const late = await takeOne(receiver);
      await receiver.progress(late, "1");
      await site.pass(6 * site.unit);
      const [again] = await take(site, receiver);
      assert.equal(again?.id, "a1");
      await receiver.progress(late, "2");
      await site.quiet();
      assert.equal((await driver.inspector.task("q", "a1"))?.progress, undefined);
    },
  },
];
