import assert from "node:assert/strict";
import type { DriverCase } from "./queue-site.ts";
import { ackAll, consume, ids, take, takeOne, task, tasks } from "./queue-site.ts";

const never = () => new AbortController().signal;

export const receiveCases: readonly DriverCase[] = [
  {
    name: "receive() gives at most max, in the order in which they became due",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const now = site.clock.wall();
      await driver.enqueue([
        task({ id: "third", runAt: now + 6 * site.unit }),
        task({ id: "second", runAt: now + 3 * site.unit }),
        task({ id: "first" }),
      ]);
      await site.pass(8 * site.unit);
      await driver.enqueue([task({ id: "fourth" })]);
      assert.deepEqual(ids(await receiver.receive(2, never())), ["first", "second"]);
      assert.deepEqual(ids(await receiver.receive(10, never())), ["third", "fourth"]);
    },
  },
  {
    name: "receive() waits until there is one: a task enqueued meanwhile comes at once, by whatever driver",
    async run(site) {
      const [one, other] = [await site.open(), await site.open()];
      const receiver = consume(site, one);
      for (const driver of [one, other]) {
        const waiting = receiver.receive(5, never());
        await site.quiet();
        const made = task();
        await driver.enqueue([made]);
        const got = await waiting;
        assert.deepEqual(ids(got), [made.id]);
        await ackAll(receiver, got);
      }
    },
  },
  {
    name: "receive() waits for a delayed task, and not longer",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const runAt = site.clock.wall() + 5 * site.unit;
      await driver.enqueue([task({ runAt })]);
      let got: string[] = [];
      const waiting = receiver.receive(5, never()).then((deliveries) => {
        got = deliveries.map(({ dueAt }) => String(Math.abs(dueAt - runAt) < site.unit));
      });
      await site.pass(3 * site.unit);
      assert.deepEqual(got, [], "before its time");
      await site.pass(3 * site.unit);
      await waiting;
      assert.deepEqual(got, ["true"]);
    },
  },
  {
    name: "receive() gives a task to one receiver only",
    async run(site) {
      const [one, other] = [await site.open(), await site.open()];
      const receivers = [consume(site, one), consume(site, other), consume(site, one)];
      await one.enqueue(tasks("a", 60));
      const got: string[] = [];
      for (let round = 0; got.length < 60 && round < 60; round++) {
        const parts = await Promise.all(receivers.map((receiver) => take(site, receiver, 4)));
        got.push(...parts.flatMap(ids));
      }
      assert.deepEqual(got.sort(), ids(tasks("a", 60)).sort());
    },
  },
  {
    name: "receive() resolves with nothing when it is aborted, and loses nothing",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const aborted = new AbortController();
      const waiting = receiver.receive(5, aborted.signal);
      await site.quiet();
      aborted.abort();
      assert.deepEqual(await waiting, []);
      assert.deepEqual(await receiver.receive(5, AbortSignal.abort()), []);
      const seen: string[] = [];
      for (const made of tasks("a", 20)) {
        const stop = new AbortController();
        const racing = receiver.receive(5, stop.signal);
        const enqueued = driver.enqueue([made]);
        stop.abort();
        await enqueued;
        seen.push(...ids(await racing));
      }
      while (seen.length < 20) seen.push(...ids(await receiver.receive(100, never())));
      assert.deepEqual(seen.sort(), ids(tasks("a", 20)).sort());
      const [first] = await driver.inspector.queues();
      assert.equal(first?.counts.active, 20);
    },
  },
  {
    name: "receive() chooses among queues by weight",
    async run(site) {
      const driver = await site.open();
      const queues = [
        { queue: "critical", weight: 6 },
        { queue: "default", weight: 3 },
        { queue: "low", weight: 1 },
      ];
      const receiver = consume(site, driver, { queues });
      await driver.enqueue(queues.flatMap(({ queue }) => tasks(queue, 400, { queue })));
      const got: Record<string, number> = { critical: 0, default: 0, low: 0 };
      for (let round = 0; round < 400; round++) {
        const delivery = await takeOne(receiver);
        got[delivery.queue] = (got[delivery.queue] ?? 0) + 1;
      }
      const { critical = 0, default: normal = 0, low = 0 } = got;
      assert.ok(critical > 190 && critical < 290, `critical ${critical} of 400`);
      assert.ok(normal > 75 && normal < 165, `default ${normal} of 400`);
      assert.ok(low > 10 && low < 80, `low ${low} of 400`);
    },
  },
  {
    name: "receive() takes from the other queues what the chosen one cannot give",
    async run(site) {
      const driver = await site.open();
      const queues = [
        { queue: "full", weight: 1 },
        { queue: "empty", weight: 50 },
      ];
      const receiver = consume(site, driver, { queues });
      await driver.enqueue(tasks("a", 10, { queue: "full" }));
      assert.equal((await receiver.receive(10, never())).length, 10);
    },
  },
  {
    name: "receive() with strict asks a queue only when those with a higher weight are empty",
    async run(site) {
      const driver = await site.open();
      const queues = [
        { queue: "low", weight: 1 },
        { queue: "high", weight: 2 },
      ];
      const receiver = consume(site, driver, { queues, strict: true });
      await driver.enqueue([...tasks("l", 3, { queue: "low" }), ...tasks("h", 3, { queue: "high" })]);
      const got: string[] = [];
      for (let round = 0; round < 6; round++) got.push((await takeOne(receiver)).id);
      assert.deepEqual(got, ["h1", "h2", "h3", "l1", "l2", "l3"]);
    },
  },
  {
    name: "receive() leaves a paused queue alone until it is resumed; active tasks go on",
    async run(site) {
      const [driver, other] = [await site.open(), await site.open()];
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 2));
      const active = await takeOne(receiver);
      await other.inspector.pause("q");
      assert.deepEqual(await take(site, receiver), []);
      assert.equal((await driver.inspector.queues())[0]?.paused, true);
      await driver.enqueue([task({ id: "a3" })]);
      assert.deepEqual(await take(site, receiver), []);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery: active }]), ["settled"]);
      const waiting = receiver.receive(10, never());
      await site.quiet();
      await other.inspector.resume("q");
      await site.pass(3 * site.unit);
      assert.deepEqual(ids(await waiting), ["a2", "a3"]);
      assert.equal((await driver.inspector.queues())[0]?.paused, false);
    },
  },
  {
    name: "close() of a receiver ends receive() and releases what is unsettled to its old place",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 4));
      const [first, ...others] = await receiver.receive(3, never());
      assert.ok(first);
      await ackAll(receiver, [first]);
      await receiver.close();
      assert.deepEqual(await receiver.receive(3, never()), []);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery: others[0] as typeof first }]), [
        "lost",
      ]);
      const next = await take(site, consume(site, driver));
      assert.deepEqual(ids(next), ["a2", "a3", "a4"]);
      assert.deepEqual(
        next.map(({ retried, crashes }) => [retried, crashes]),
        Array(3).fill([0, 0]),
      );
    },
  },
  {
    name: "close() of a receiver ends a receive() that waits",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      const waiting = receiver.receive(3, never());
      await site.quiet();
      await receiver.close();
      assert.deepEqual(await waiting, []);
    },
  },
];
