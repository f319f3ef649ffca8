import assert from "node:assert/strict";
import { newOwner } from "../../src/core/owner.ts";
import type { DriverCase } from "./queue-site.ts";
import { consume, failed, ids, take, takeOne, task, tasks } from "./queue-site.ts";

const never = () => new AbortController().signal;

export const leaseCases: readonly DriverCase[] = [
  {
    name: "a lease that ran out gives the task to another, before newer ones, as a crash and not as an attempt",
    async run(site) {
      const driver = await site.open();
      const dies = consume(site, driver, { lease: 5 * site.unit });
      await driver.enqueue(tasks("a", 3));
      await dies.receive(2, never());
      const waiting = consume(site, await site.open());
      assert.deepEqual(ids(await take(site, waiting)), ["a3"]);
      await driver.enqueue([task({ id: "newer", runAt: site.clock.wall() + 4 * site.unit })]);
      await site.pass(8 * site.unit);
      const got = await take(site, waiting);
      assert.deepEqual(ids(got), ["a1", "a2", "newer"]);
      assert.deepEqual(
        got.map(({ crashes, retried }) => [crashes, retried]),
        [
          [1, 0],
          [1, 0],
          [0, 0],
        ],
      );
    },
  },
  {
    name: "a receive() that waits gets a task whose lease runs out meanwhile",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue([task({ id: "a1" })]);
      await takeOne(consume(site, driver, { lease: 5 * site.unit }));
      const waiting = consume(site, await site.open()).receive(1, never());
      await site.pass(8 * site.unit);
      assert.deepEqual(ids(await waiting), ["a1"]);
    },
  },
  {
    name: "settle() and extend() of a delivery that another has by now are lost, and change nothing",
    async run(site) {
      const driver = await site.open();
      const late = consume(site, driver, { lease: 5 * site.unit });
      const heir = consume(site, await site.open(), { lease: 100 * site.unit });
      await driver.enqueue([task({ id: "a1" })]);
      const old = await takeOne(late);
      await site.pass(8 * site.unit);
      const current = await takeOne(heir);
      assert.equal(current.id, "a1");
      const now = site.clock.wall();
      assert.deepEqual(ids(await late.extend([old])), ["a1"]);
      assert.deepEqual(
        await late.settle([
          { tag: "ack", delivery: old, next: task({ id: "next" }) },
          failed(old, now, { blocks: "k" }),
          { tag: "dead", delivery: old, error: "x" },
          { tag: "release", delivery: old },
          { tag: "hold", delivery: old, key: "k" },
        ]),
        ["lost", "lost", "lost", "lost", "lost"],
      );
      await late.close();
      assert.deepEqual(await heir.extend([current]), []);
      assert.deepEqual(await heir.settle([{ tag: "ack", delivery: current }]), ["settled"]);
      assert.equal(await driver.inspector.task("q", "a1"), undefined);
      assert.equal(await driver.inspector.task("q", "next"), undefined);
      assert.equal((await heir.blockedKeys()).size, 0);
    },
  },
  {
    name: "the same receiver that gets its task again is fenced from its own earlier attempt",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 5 * site.unit });
      await driver.enqueue([task({ id: "a1" })]);
      const first = await takeOne(receiver);
      await site.pass(8 * site.unit);
      const second = await takeOne(receiver);
      assert.equal(second.crashes, 1);
      assert.deepEqual(
        await receiver.settle([
          { tag: "ack", delivery: first },
          { tag: "ack", delivery: second },
        ]),
        ["lost", "settled"],
      );
    },
  },
  {
    name: "extend() keeps a lease for as long as it is called",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 6 * site.unit });
      const other = consume(site, await site.open());
      await driver.enqueue([task({ id: "a1" })]);
      const delivery = await takeOne(receiver);
      for (let beat = 0; beat < 4; beat++) {
        await site.pass(3 * site.unit);
        assert.deepEqual(await receiver.extend([delivery]), []);
      }
      assert.deepEqual(await take(site, other), []);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery }]), ["settled"]);
      assert.deepEqual(ids(await receiver.extend([delivery])), ["a1"]);
    },
  },
  {
    name: "crashes are counted over all leases of one that has begun",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 3 * site.unit });
      await driver.enqueue([task({ id: "a1" })]);
      for (const crashes of [0, 1, 2]) {
        const delivery = await takeOne(receiver);
        assert.equal(delivery.crashes, crashes);
        if (crashes > 0) await receiver.begin([delivery]);
        await site.pass(5 * site.unit);
      }
      const delivery = await takeOne(receiver);
      assert.deepEqual([delivery.crashes, delivery.retried], [3, 0]);
    },
  },
  {
    name: "begin(): one that has crashed counts again only if it has begun since it was claimed",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 3 * site.unit });
      await driver.enqueue(tasks("a", 3));
      const crashesOf = async () => (await take(site, receiver)).map(({ id, crashes }) => `${id} ${crashes}`);
      assert.deepEqual(await crashesOf(), ["a1 0", "a2 0", "a3 0"]);
      await site.pass(5 * site.unit);
      const [first, second, third] = await take(site, receiver);
      assert.ok(first && second && third);
      await receiver.begin([first, second]);
      // What has begun and comes again without a crash has not begun any more.
      await receiver.settle([{ tag: "release", delivery: second }]);
      const [again] = await take(site, receiver);
      assert.equal(again?.crashes, 1);
      await site.pass(5 * site.unit);
      assert.deepEqual(await crashesOf(), ["a1 2", "a2 1", "a3 1"]);
      await receiver.begin([first]);
      await site.pass(5 * site.unit);
      assert.deepEqual(await crashesOf(), ["a1 2", "a2 1", "a3 1"]);
    },
  },
  {
    name: "recover() takes back at once what owners of a living process held, and nothing of others",
    needs: "dead owners",
    async run(site) {
      const thread = newOwner();
      const ended = consume(site, await site.open(`${thread}.1`));
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 3));
      const [other] = await receiver.receive(1, never());
      const [first, second] = await take(site, ended);
      assert.ok(other && first && second);
      await driver.enqueue(tasks("b", 1));
      await driver.recover([thread, newOwner()]);
      const got = await take(site, receiver);
      assert.deepEqual(
        got.map(({ id, crashes, retried }) => [id, crashes, retried]),
        [
          ["a2", 1, 0],
          ["a3", 1, 0],
          ["b1", 0, 0],
        ],
      );
      assert.deepEqual(await ended.settle([{ tag: "ack", delivery: first }]), ["lost"]);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery: other }]), ["settled"]);
    },
  },
  {
    name: "connect() recovers at once what a process held that has died",
    needs: "dead owners",
    async run(site) {
      const driver = await site.open();
      const dead = await site.open(site.deadOwner?.());
      await driver.enqueue(tasks("a", 3));
      assert.equal((await consume(site, dead, { lease: 1_000 * site.unit }).receive(2, never())).length, 2);
      const alive = consume(site, driver, { lease: 1_000 * site.unit });
      assert.deepEqual(ids(await alive.receive(5, never())), ["a3"]);
      const got = await take(site, consume(site, await site.open()));
      assert.deepEqual(ids(got), ["a1", "a2"]);
      assert.deepEqual(
        got.map(({ crashes, retried }) => [crashes, retried]),
        [
          [1, 0],
          [1, 0],
        ],
      );
    },
  },
  {
    name: "close() of a driver closes its receivers",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue(tasks("a", 2));
      await consume(site, driver).receive(2, never());
      const other = await site.open();
      await driver.close();
      assert.deepEqual(ids(await take(site, consume(site, other))), ["a1", "a2"]);
    },
  },
  {
    name: "a broker that is restarted loses nothing, and a receive() that waits goes on",
    needs: "restart",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 1_000 * site.unit });
      await driver.enqueue([task({ id: "before" })]);
      const before = await takeOne(receiver);
      const waiting = receiver.receive(1, never());
      await site.quiet();
      await site.stop?.();
      await site.pass(2 * site.unit);
      await site.restart?.();
      await driver.enqueue([task({ id: "after" })]);
      assert.deepEqual(ids(await waiting), ["after"]);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery: before }]), ["settled"]);
    },
  },
  {
    name: "enqueue() and settle() while the broker is away reject with BROKER_UNREACHABLE",
    needs: "restart",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 1_000 * site.unit });
      await driver.enqueue([task({ id: "held" })]);
      const delivery = await takeOne(receiver);
      await site.stop?.();
      const made = task({ id: "away" });
      const enqueuing = assert.rejects(driver.enqueue([made]), { code: "BROKER_UNREACHABLE" });
      const settling = assert.rejects(receiver.settle([{ tag: "ack", delivery }]), {
        code: "BROKER_UNREACHABLE",
      });
      await site.pass(Math.max(6_000, 6 * site.unit));
      await Promise.all([enqueuing, settling]);
      await site.restart?.();
      await site.pass(Math.max(6_000, 6 * site.unit));
      await driver.enqueue([made]);
      assert.deepEqual(await receiver.settle([{ tag: "ack", delivery }]), ["settled"]);
      assert.deepEqual(ids(await take(site, receiver)), ["away"]);
    },
  },
];
