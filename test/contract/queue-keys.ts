import assert from "node:assert/strict";
import type { Delivery, Receiver } from "../../src/queue/driver.ts";
import type { DriverSite } from "./queue-driver.ts";
import type { DriverCase } from "./queue-site.ts";
import { ackAll, consume, failed, ids, take, task, tasks } from "./queue-site.ts";

export const keyCases: readonly DriverCase[] = [
  {
    name: "retry with blocks: the broker remembers the key for whoever comes next, and forgets it when it is unblocked",
    async run(site) {
      const { receiver, a1 } = await blockedSite(site);
      const expected = new Map([["q\0k", "a1"]]);
      assert.deepEqual(new Map(await receiver.blockedKeys()), expected);
      const other = consume(site, await site.open());
      assert.deepEqual(new Map(await other.blockedKeys()), expected);
      const elsewhere = consume(site, await site.open(), { queues: [{ queue: "other", weight: 1 }] });
      assert.equal((await elsewhere.blockedKeys()).size, 0);
      const again = await whenDue(site, receiver);
      assert.deepEqual(ids(again), [a1.id]);
      await receiver.settle([{ tag: "ack", delivery: again[0] as Delivery, unblocks: "k" }]);
      assert.equal((await other.blockedKeys()).size, 0);
    },
  },
  {
    name: "hold: the task waits until its key is unblocked, then in its old place before newer ones, in their order",
    async run(site) {
      const { driver, receiver, a2, a3 } = await blockedSite(site);
      assert.deepEqual(
        await receiver.settle([
          { tag: "hold", delivery: a3, key: "k" },
          { tag: "hold", delivery: a2, key: "k" },
        ]),
        ["settled", "settled"],
      );
      const [info] = await driver.inspector.queues();
      assert.deepEqual([info?.held, info?.counts.pending, info?.counts.retry], [2, 2, 1]);
      assert.equal((await driver.inspector.task("q", "a2"))?.state, "pending");
      assert.deepEqual(await take(site, receiver), []);
      const [again] = await whenDue(site, receiver);
      await driver.enqueue([task({ id: "newer" })]);
      await receiver.settle([{ tag: "ack", delivery: again as Delivery, unblocks: "k" }]);
      const freed = await take(site, receiver);
      assert.deepEqual(ids(freed), ["a2", "a3", "newer"]);
      assert.deepEqual([freed[0]?.retried, freed[0]?.crashes], [0, 0]);
      assert.equal((await driver.inspector.queues())[0]?.held, 0);
    },
  },
  {
    name: "hold: the key of one does not hold another's; dead unblocks, too",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver);
      await driver.enqueue(tasks("a", 4));
      const [a1, a2, a3, a4] = await take(site, receiver);
      assert.ok(a1 && a2 && a3 && a4);
      const at = site.clock.wall() + 3 * site.unit;
      await receiver.settle([failed(a1, at, { blocks: "k" }), failed(a2, at, { blocks: "l" })]);
      await receiver.settle([
        { tag: "hold", delivery: a3, key: "k" },
        { tag: "hold", delivery: a4, key: "l" },
      ]);
      const again = await whenDue(site, receiver);
      assert.deepEqual(ids(again), ["a1", "a2"]);
      await receiver.settle([{ tag: "dead", delivery: again[1] as Delivery, error: "x", unblocks: "l" }]);
      assert.deepEqual(ids(await take(site, receiver)), ["a4"]);
      await receiver.settle([{ tag: "ack", delivery: again[0] as Delivery, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, receiver)), ["a3"]);
    },
  },
  {
    name: "hold of a key that nothing blocks any more is a release: nothing waits for ever",
    async run(site) {
      const { driver, receiver, a2, a3 } = await blockedSite(site);
      const [again] = await whenDue(site, receiver);
      const results = await receiver.settle([
        { tag: "ack", delivery: again as Delivery, unblocks: "k" },
        { tag: "hold", delivery: a2, key: "k" },
        { tag: "hold", delivery: a3, key: "never blocked" },
      ]);
      assert.deepEqual(results, ["settled", "released", "released"]);
      assert.deepEqual(ids(await take(site, receiver)), ["a2", "a3"]);
      assert.equal((await driver.inspector.queues())[0]?.held, 0);
    },
  },
  {
    name: "a failing task that fails again goes on blocking its key, and a lease that runs out does not free it",
    async run(site) {
      const { receiver, a2 } = await blockedSite(site);
      await receiver.settle([{ tag: "hold", delivery: a2, key: "k" }]);
      const [again] = await whenDue(site, receiver);
      await receiver.settle([failed(again as Delivery, site.clock.wall() + 3 * site.unit, { blocks: "k" })]);
      assert.deepEqual([...(await receiver.blockedKeys()).values()], ["a1"]);
      const short = consume(site, await site.open(), { lease: 4 * site.unit });
      assert.deepEqual(ids(await whenDue(site, short)), ["a1"]);
      await site.pass(6 * site.unit);
      assert.deepEqual([...(await receiver.blockedKeys()).values()], ["a1"]);
      assert.ok(!ids(await take(site, short)).includes("a2"));
    },
  },
  {
    name: "a task that blocks a key frees it when an operator deletes or archives it",
    async run(site) {
      for (const action of ["delete", "archive"] as const) {
        const queue = `q-${action}`;
        const driver = await site.open();
        const receiver = consume(site, driver, { queues: [{ queue, weight: 1 }] });
        await driver.enqueue(tasks("a", 2, { queue }));
        const [a1, a2] = await take(site, receiver);
        assert.ok(a1 && a2);
        await receiver.settle([failed(a1, site.clock.wall() + 500 * site.unit, { blocks: "k" })]);
        await receiver.settle([{ tag: "hold", delivery: a2, key: "k" }]);
        assert.equal(await driver.inspector.act(queue, action, { ids: ["a1"] }), 1);
        assert.equal((await receiver.blockedKeys()).size, 0);
        assert.deepEqual(ids(await take(site, receiver)), ["a2"]);
        await receiver.close();
      }
    },
  },
  {
    name: "a key that two failed tasks block is free when both are done",
    async run(site) {
      const { receiver, a2, a3 } = await blockedSite(site);
      await receiver.settle([failed(a2, site.clock.wall() + 3 * site.unit, { blocks: "k" })]);
      await receiver.settle([{ tag: "hold", delivery: a3, key: "k" }]);
      const again = await whenDue(site, receiver);
      assert.deepEqual(ids(again), ["a1", "a2"]);
      await receiver.settle([{ tag: "ack", delivery: again[0] as Delivery, unblocks: "k" }]);
      assert.deepEqual([...(await receiver.blockedKeys())], [["q\0k", "a2"]]);
      assert.deepEqual(await take(site, receiver), []);
      await receiver.settle([{ tag: "ack", delivery: again[1] as Delivery, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, receiver)), ["a3"]);
    },
  },
  {
    name: "hold of a task that blocks its key itself, beside another, is a release: it would wait for itself",
    async run(site) {
      const { receiver, a2 } = await blockedSite(site);
      await receiver.settle([failed(a2, site.clock.wall() + 3 * site.unit, { blocks: "k" })]);
      const [first, second] = await whenDue(site, receiver);
      assert.ok(first && second);
      const hold = { tag: "hold", delivery: second, key: "k" } as const;
      assert.deepEqual(await receiver.settle([hold]), ["released"]);
      await receiver.settle([{ tag: "ack", delivery: first, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, receiver)), ["a2"]);
    },
  },
  {
    name: "held tasks and blocked keys outlive the drivers",
    needs: "outlives",
    async run(site) {
      const { driver, receiver, a2, a3 } = await blockedSite(site);
      await receiver.settle([{ tag: "hold", delivery: a2, key: "k" }]);
      await ackAll(receiver, [a3]);
      await driver.close();
      const later = consume(site, await site.open());
      assert.deepEqual([...(await later.blockedKeys()).values()], ["a1"]);
      const [again] = await whenDue(site, later);
      assert.equal(again?.id, "a1");
      await later.settle([{ tag: "ack", delivery: again as Delivery, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, later)), ["a2"]);
    },
  },
];

/** Three tasks were received; the first one failed and blocks key `k` for five units. */
async function blockedSite(site: DriverSite) {
  const driver = await site.open();
  const receiver = consume(site, driver, { lease: 100 * site.unit });
  await driver.enqueue(tasks("a", 3));
  const [a1, a2, a3] = await take(site, receiver);
  assert.ok(a1 && a2 && a3);
  await receiver.settle([failed(a1, site.clock.wall() + 3 * site.unit, { blocks: "k" })]);
  return { driver, receiver, a1, a2, a3 };
}

async function whenDue(site: DriverSite, receiver: Receiver): Promise<readonly Delivery[]> {
  await site.pass(5 * site.unit);
  return await take(site, receiver);
}
