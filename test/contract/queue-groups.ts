import assert from "node:assert/strict";
import type { DriverCase } from "./queue-site.ts";
import { consume, ids, take, task, tasks } from "./queue-site.ts";

const none = { grace: 0, maxDelay: 0, maxSize: 0 };

export const groupCases: readonly DriverCase[] = [
  {
    name: "group: its tasks wait, and are due when nothing came for the grace",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, grace: 5 * site.unit } });
      await driver.enqueue([task({ id: "a1", group: "g", payload: "one" })]);
      await site.pass(3 * site.unit);
      await driver.enqueue([task({ id: "a2", group: "g" })]);
      await site.pass(3 * site.unit);
      assert.deepEqual(await receiver.dueGroups(), [], "one came within the grace");
      assert.deepEqual(await take(site, receiver), []);
      assert.equal((await driver.inspector.queues())[0]?.counts.aggregating, 2);
      assert.equal((await driver.inspector.task("q", "a1"))?.group, "g");
      await site.pass(4 * site.unit);
      const [set, ...others] = await receiver.dueGroups();
      assert.deepEqual([set?.queue, set?.group, ids(set?.tasks ?? []), others], ["q", "g", ["a1", "a2"], []]);
      assert.equal(Buffer.from(set?.tasks[0]?.payload ?? "").toString(), "one");
      assert.deepEqual(await receiver.dueGroups(), [], "out of circulation");
    },
  },
  {
    name: "group: is due when it is maxDelay old, although there is always another",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, {
        groups: { grace: 4 * site.unit, maxDelay: 10 * site.unit, maxSize: 0 },
      });
      for (const [index, made] of tasks("a", 5, { group: "g" }).entries()) {
        await driver.enqueue([made]);
        if (index < 4) assert.deepEqual(await receiver.dueGroups(), []);
        await site.pass(2.5 * site.unit);
      }
      const [set] = await receiver.dueGroups();
      assert.deepEqual(ids(set?.tasks ?? []), ["a1", "a2", "a3", "a4", "a5"]);
    },
  },
  {
    name: "group: is due when it has maxSize tasks; a set has no more than that, and groups are apart",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, {
        groups: { grace: 500 * site.unit, maxDelay: 0, maxSize: 3 },
      });
      await driver.enqueue([
        ...tasks("a", 2, { group: "g" }),
        ...tasks("b", 4, { group: "h" }),
        ...tasks("c", 9, { group: "g", queue: "other" }),
      ]);
      const sets = await receiver.dueGroups();
      assert.deepEqual(
        sets.map(({ queue, group, tasks }) => [queue, group, ids(tasks)]),
        [["q", "h", ["b1", "b2", "b3"]]],
      );
      await driver.enqueue([task({ id: "a3", group: "g" })]);
      const [next] = await receiver.dueGroups();
      assert.deepEqual(ids(next?.tasks ?? []), ["a1", "a2", "a3"]);
    },
  },
  {
    name: "group: commitGroup() enqueues one task and removes those of the set, in one step and once",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, maxSize: 2 } });
      await driver.enqueue(tasks("a", 3, { group: "g" }));
      const [set] = await receiver.dueGroups();
      assert.ok(set);
      assert.equal(await receiver.commitGroup(set, task({ id: "sum" })), "settled");
      assert.equal(await receiver.commitGroup(set, task({ id: "sum-2" })), "lost");
      assert.deepEqual(ids(await take(site, receiver)), ["sum"]);
      assert.equal(await driver.inspector.task("q", "a1"), undefined);
      assert.equal((await driver.inspector.task("q", "a3"))?.state, "aggregating");
    },
  },
  {
    name: "group: commitGroup() refuses a task whose id is taken or whose lock is held, and the set stays as it is",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, maxSize: 2 } });
      const unique = { key: "lock", ttl: 1_000 * site.unit };
      await driver.enqueue([
        ...tasks("a", 2, { group: "g" }),
        task({ id: "sum" }),
        task({ id: "u", unique }),
      ]);
      const [set] = await receiver.dueGroups();
      assert.ok(set);
      assert.equal(await receiver.commitGroup(set, task({ id: "sum" })), "conflict");
      assert.equal(await receiver.commitGroup(set, task({ id: "sum-2", unique })), "duplicate");
      assert.equal((await driver.inspector.task("q", "a1"))?.state, "aggregating");
      assert.equal(await driver.inspector.task("q", "sum-2"), undefined);
      assert.equal(await receiver.commitGroup(set, task({ id: "sum-2" })), "settled", "it is still ours");
      assert.deepEqual(ids(await take(site, receiver)).sort(), ["sum", "sum-2", "u"]);
      assert.equal(await driver.inspector.task("q", "a1"), undefined);
    },
  },
  {
    name: "group: commitGroup() takes a task with an id of the set's: those are gone in the same step",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, maxSize: 2 } });
      await driver.enqueue(tasks("a", 2, { group: "g" }));
      const [set] = await receiver.dueGroups();
      assert.ok(set);
      assert.equal(await receiver.commitGroup(set, task({ id: "a1", payload: "sum" })), "settled");
      const [sum, ...others] = await take(site, receiver);
      assert.deepEqual([sum?.id, Buffer.from(sum?.payload ?? "").toString(), others], ["a1", "sum", []]);
    },
  },
  {
    name: "group: releaseGroup() lets the tasks wait in their group again",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, maxSize: 2 } });
      await driver.enqueue(tasks("a", 2, { group: "g" }));
      const [set] = await receiver.dueGroups();
      assert.ok(set);
      await receiver.releaseGroup(set);
      assert.equal(await receiver.commitGroup(set, task()), "lost");
      const [again] = await receiver.dueGroups();
      assert.deepEqual(ids(again?.tasks ?? []), ["a1", "a2"]);
    },
  },
  {
    name: "group: a set that nobody settled within two minutes comes back",
    async run(site) {
      const driver = await site.open();
      const receiver = consume(site, driver, { groups: { ...none, maxSize: 2 } });
      await driver.enqueue(tasks("a", 2, { group: "g" }));
      const [set] = await receiver.dueGroups();
      assert.ok(set);
      await site.pass(125_000);
      const other = consume(site, await site.open(), { groups: { ...none, maxSize: 2 } });
      assert.deepEqual(
        (await other.dueGroups()).map(({ tasks }) => ids(tasks)),
        [["a1", "a2"]],
      );
      assert.equal(await receiver.commitGroup(set, task()), "lost");
    },
  },
  {
    name: "group: without limits of the subscription nothing is aggregated",
    async run(site) {
      const driver = await site.open();
      await driver.enqueue(tasks("a", 2, { group: "g" }));
      await site.pass(10 * site.unit);
      assert.deepEqual(await consume(site, driver).dueGroups(), []);
    },
  },
];
