import { describe, expect, test } from "bun:test";
import type { GroupStats } from "../../src/core/consumer-stats.ts";
import type { TaskInfo } from "../../src/core/task.ts";
import type { Delivery, GroupSet } from "../../src/queue/driver.ts";
import { Site } from "./setup.ts";

const limits = { grace: 1_000, maxDelay: 0, maxSize: 0 };

function setOf(group: string): GroupSet {
  const delivery = { id: `t-${group}`, queue: "q", payload: "1", headers: {}, retried: 0 };
  return { id: `s-${group}`, queue: "q", group, tasks: [delivery as unknown as Delivery] };
}

const errorsOf = (site: Site) => site.records.filter(({ level }) => level === "error");

describe("a group", () => {
  test("whose aggregate() throws is tried ever less often, up to ten minutes, and said once for each error", async () => {
    const site = new Site({ groups: limits });
    site.model.groups = [setOf("g")];
    const calls: number[] = [];
    let reason = "not yet";
    await site.open({
      consume() {},
      aggregate() {
        calls.push(site.clock.wall());
        throw new Error(reason);
      },
    });
    await site.pass(3_600_000);
    const gaps = calls.slice(1).map((at, index) => at - (calls[index] as number));
    expect(calls.length).toBeLessThan(25);
    expect(calls.length).toBeGreaterThan(8);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(602_000);
    expect(gaps.at(-1)).toBeGreaterThan(250_000);
    expect(errorsOf(site).map(({ fields }) => fields?.group)).toEqual(["g"]);
    reason = "something else";
    await site.pass(1_200_000);
    expect(errorsOf(site)).toHaveLength(2);
  });

  test("that waits for its next try delays no other group, and begins anew after a success", async () => {
    const site = new Site({ groups: limits });
    site.model.groups = [setOf("bad"), setOf("good")];
    const calls: string[] = [];
    let isBroken = true;
    await site.open({
      consume() {},
      aggregate(group) {
        calls.push(group);
        if (group === "bad" && isBroken) throw new Error("no");
        return { type: "one" };
      },
    });
    await site.pass(60_000);
    const [bad, good] = ["bad", "good"].map((name) => calls.filter((each) => each === name).length);
    expect(bad).toBeLessThan(10);
    expect(good).toBeGreaterThan(50);
    isBroken = false;
    await site.pass(200_000);
    isBroken = true;
    const before = errorsOf(site).length;
    await site.pass(2_000);
    expect(errorsOf(site)).toHaveLength(before + 1);
  });

  test("for which aggregate() returns no task has that as its error", async () => {
    const site = new Site({ groups: limits });
    const odd: [unknown, string][] = [
      [5, "aggregate() returned 5, and not a task"],
      [["a"], "aggregate() returned a list, and not a task"],
      [undefined, "aggregate() returned undefined, and not a task"],
    ];
    site.model.groups = odd.map((_, index) => setOf(`${index}`));
    await site.open({ consume() {}, aggregate: (group) => odd[Number(group)]?.[0] as never });
    await site.pass(2_000);
    const said = errorsOf(site).map(({ fields }) => (fields as { error: Error }).error.message);
    expect(said).toEqual(odd.map(([, message]) => message));
  });

  test("whose task the broker refuses has failed: it waits again, and the reason is in the log", async () => {
    const site = new Site({ groups: limits });
    site.model.groups = [setOf("same-id"), setOf("locked")];
    site.model.commitGroup = async ({ group }) => (group === "locked" ? "duplicate" : "conflict");
    await site.open({ consume() {}, aggregate: (group) => ({ type: "digest", id: group }) });
    const said = errorsOf(site).map(({ fields }) => (fields as { error: Error }).error);
    expect(said).toMatchObject([{ code: "TASK_CONFLICT" }, { code: "TASK_DUPLICATE" }]);
    expect(site.model.releasedGroups).toEqual(["same-id", "locked"]);
    expect(site.intake.stats().groups).toMatchObject({ failed: 2, failing: 2 });
  });

  test("that fails is in the stats: how often, how many fail now, and the last error with its group and time", async () => {
    const site = new Site({ groups: limits });
    expect(site.intake.stats().groups).toBeUndefined();
    site.model.groups = [setOf("bad"), setOf("worse"), setOf("good")];
    let isBroken = true;
    await site.open({
      consume() {},
      aggregate(group) {
        if (group !== "good" && isBroken) throw new Error(`no ${group} ${"x".repeat(2_000)}`);
        return { type: "one" };
      },
    });
    const { groups } = site.intake.stats();
    expect(groups).toMatchObject({ failed: 2, failing: 2 });
    expect(groups?.lastError).toMatchObject({ queue: "q", group: "worse", at: site.clock.wall() });
    expect(groups?.lastError?.error).toMatch(/^no worse x+…$/);
    expect(groups?.lastError?.error.length).toBeLessThan(1_001);
    isBroken = false;
    await site.pass(60_000);
    expect(site.intake.stats().groups).toEqual({ ...(groups as GroupStats), failing: 0 });
  });

  test("in a queue whose consumer makes no groups is warned of, once, by queue and group", async () => {
    const site = new Site();
    const waiting = { id: "t", group: "user-7", enqueuedAt: site.clock.wall() } as TaskInfo;
    const asked: unknown[] = [];
    site.model.tasks = async (queue, filter) => {
      asked.push([queue, filter.state]);
      return { tasks: asked.length > 1 ? [waiting] : [] };
    };
    const lease = await site.open({ consume() {} });
    await site.pass(3_600_000);
    expect(asked).toEqual([
      ["q", "aggregating"],
      ["q", "aggregating"],
    ]);
    const warnings = site.records.filter(({ level }) => level === "warn");
    expect(warnings.map(({ fields }) => fields)).toMatchObject([{ queue: "q", group: "user-7" }]);
    site.intake.quiet();
    await lease.drain({ final: true });
    await site.rest();
    expect(site.clock.pending).toBe(0);
  });

  test("is not looked for any more when the consumer is closed, nor where it makes groups", async () => {
    const [closed, grouping] = [new Site(), new Site({ groups: limits })];
    let asked = 0;
    for (const site of [closed, grouping]) {
      site.model.tasks = async () => {
        asked++;
        return { tasks: [] };
      };
    }
    const lease = await closed.open({ consume() {} });
    closed.intake.quiet();
    await lease.drain({ final: true });
    expect(closed.clock.pending).toBe(0);
    await grouping.open({ consume() {}, aggregate: () => ({ type: "one" }) });
    await closed.pass(600_000);
    await grouping.pass(600_000);
    expect(asked).toBe(0);
  });
});
