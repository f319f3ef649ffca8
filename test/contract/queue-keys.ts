import assert from "node:assert/strict";
import type { Delivery, Receiver, Settlement } from "../../src/queue/driver.ts";
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
    name: "hold behind a delivery that runs: its key is blocked until that is settled, whatever becomes of it",
    async run(site) {
      const endings: readonly Partial<Settlement>[] = [
        { tag: "ack" },
        { tag: "dead", error: "x" },
        { tag: "ack", unblocks: "k" },
        { tag: "dead", error: "x", unblocks: "k" },
      ];
      for (const [index, ending] of endings.entries()) {
        const queue = `q-${index}`;
        const { driver, receiver, first, a2, a3 } = await crowdedSite(site, queue);
        assert.deepEqual(new Map(await receiver.blockedKeys()), new Map([[`${queue}\0k`, first.id]]));
        assert.deepEqual(await take(site, receiver), []);
        assert.equal((await driver.inspector.queues()).find((info) => info.queue === queue)?.held, 2);
        await receiver.settle([{ delivery: first, ...ending } as Settlement]);
        assert.equal((await receiver.blockedKeys()).size, 0);
        assert.deepEqual(ids(await take(site, receiver)), [a2.id, a3.id]);
        await receiver.close();
      }
    },
  },
  {
    name: "hold behind a delivery that runs: it goes on blocking when it fails or goes back",
    async run(site) {
      for (const isFailed of [true, false]) {
        const { receiver, first, a2, a3 } = await crowdedSite(site, `q-${isFailed}`);
        const at = site.clock.wall() + 3 * site.unit;
        await receiver.settle([
          isFailed ? failed(first, at, { blocks: "k" }) : { tag: "release", delivery: first },
        ]);
        assert.deepEqual([...(await receiver.blockedKeys()).values()], [first.id]);
        const again = await whenDue(site, receiver);
        assert.deepEqual(ids(again), [first.id]);
        await receiver.settle([{ tag: "ack", delivery: again[0] as Delivery, unblocks: "k" }]);
        assert.deepEqual(ids(await take(site, receiver)), [a2.id, a3.id]);
        await receiver.close();
      }
    },
  },
  {
    name: "hold behind a delivery whose lease is another's, or is settled, is a release",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 4 * site.unit });
      await driver.enqueue(tasks("a", 1));
      const [late] = await take(site, receiver);
      await site.pass(6 * site.unit);
      const [a1] = await take(site, receiver);
      await driver.enqueue(tasks("b", 2));
      const [b1, b2] = await take(site, receiver);
      assert.ok(late && a1 && b1 && b2);
      assert.deepEqual(await receiver.settle([{ tag: "hold", delivery: b1, key: "k", behind: late }]), [
        "released",
      ]);
      assert.deepEqual(
        await receiver.settle([
          { tag: "ack", delivery: a1 },
          { tag: "hold", delivery: b2, key: "k", behind: a1 },
        ]),
        ["settled", "released"],
      );
      assert.equal((await receiver.blockedKeys()).size, 0);
      assert.deepEqual(ids(await take(site, receiver)), ["b1", "b2"]);
    },
  },
  {
    name: "hold behind a delivery of a key that another one blocks waits for that one alone",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { lease: 100 * site.unit });
      await driver.enqueue(tasks("a", 4));
      const [a1, a2, a3, a4] = await take(site, receiver);
      assert.ok(a1 && a2 && a3 && a4);
      await receiver.settle([{ tag: "hold", delivery: a2, key: "k", behind: a1 }]);
      await receiver.settle([{ tag: "hold", delivery: a4, key: "k", behind: a3 }]);
      assert.deepEqual([...(await receiver.blockedKeys()).values()], ["a1"]);
      await receiver.settle([{ tag: "ack", delivery: a1, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, receiver)), ["a2", "a4"]);
    },
  },
  {
    name: "heir: the key waits for another delivery in the same step; not for one that is not ours, nor without a block",
    async run(site) {
      const { driver, receiver, first, second, a2, a3 } = await crowdedSite(site, "q");
      await receiver.settle([{ tag: "ack", delivery: first, unblocks: "k", heir: second }]);
      assert.deepEqual([...(await receiver.blockedKeys()).values()], [second.id]);
      assert.deepEqual(await take(site, receiver), []);
      await receiver.settle([{ tag: "ack", delivery: second, unblocks: "k", heir: first }]);
      assert.equal((await receiver.blockedKeys()).size, 0);
      const freed = await take(site, receiver);
      assert.deepEqual(ids(freed), [a2.id, a3.id]);
      const [one, other] = freed as [Delivery, Delivery];
      await receiver.settle([{ tag: "ack", delivery: one, unblocks: "k", heir: other }]);
      assert.equal((await receiver.blockedKeys()).size, 0);
      await ackAll(receiver, [other]);
      assert.deepEqual((await driver.inspector.queues())[0]?.counts.active, 0);
    },
  },
  {
    name: "a delivery that others wait behind goes on blocking when its lease runs out",
    async run(site) {
      const { receiver, first, second, a2, a3 } = await crowdedSite(site, "q", 4 * site.unit);
      await site.pass(6 * site.unit);
      assert.deepEqual([...(await receiver.blockedKeys()).values()], [first.id]);
      const again = await take(site, receiver);
      assert.deepEqual(ids(again), [first.id, second.id]);
      await ackAll(receiver, again.slice(1));
      await receiver.settle([{ tag: "ack", delivery: again[0] as Delivery, unblocks: "k" }]);
      assert.deepEqual(ids(await take(site, receiver)), [a2.id, a3.id]);
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

/** Four tasks were received; the first two are ours, the others are held behind the first one. */
async function crowdedSite(site: DriverSite, queue: string, lease = 100 * site.unit) {
  const driver = await site.open();
  const receiver = consume(site, driver, { lease, queues: [{ queue, weight: 1 }] });
  await driver.enqueue(tasks(`${queue}-`, 4, { queue }));
  const [first, second, a2, a3] = await take(site, receiver);
  assert.ok(first && second && a2 && a3);
  const held = { tag: "hold", key: "k", behind: first } as const;
  assert.deepEqual(
    await receiver.settle([
      { ...held, delivery: a3 },
      { ...held, delivery: a2 },
    ]),
    ["settled", "settled"],
  );
  return { driver, receiver, first, second, a2, a3 };
}

async function whenDue(site: DriverSite, receiver: Receiver): Promise<readonly Delivery[]> {
  await site.pass(5 * site.unit);
  return await take(site, receiver);
}
