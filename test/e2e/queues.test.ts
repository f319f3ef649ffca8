import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ScheduleRun, TaskInfo, TaskPage } from "../../src/core/task.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const service = `
import { existsSync, writeFileSync } from "node:fs";
export default {
  tasks: {
    "mail:flaky"() {
      if (!existsSync("mended")) throw new Error("connect: Connection Refused by peer");
      return { sent: true };
    },
    "mail:odd"() {
      throw new Error("something else");
    },
    "slow": (message) => new Promise((resolve) => message.signal.addEventListener("abort", resolve, { once: true })),
    "many": (message, ctx) => ctx.queue().enqueueAll(
      Array.from({ length: message.data }, (_, n) => ({ type: "bulk:" + (n % 2), payload: n, queue: "bulk" })),
    ).then((all) => all.length),
    "begin": (message, ctx) => ctx.queue().chain([
      { type: "step:one", payload: 20, id: "chain-1" },
      { type: "step:two", payload: 2, retention: "1h" },
    ]).then(({ id }) => id),
    "step:one": ({ data }) => data.input + 1,
    "step:two": ({ data }) => data.previous * data.input,
  },
  scheduled: (tick) => writeFileSync("ran", tick.cause),
};
`;
const yaml = `name: queues
admin: false
brokers: { main: "sqlite:./queue.db", fleeting: "memory:" }
services:
  worker:
    module: ./worker.ts
    consume: { queue: default }
  nightly:
    module: ./worker.ts
    schedule: "0 3 1 1 *"
`;

function setUp(target: Target) {
  const project = tempDir({ "worker.ts": service, "services.yaml": yaml });
  const options = { cwd: project.path, env: { XDG_RUNTIME_DIR: project.path } };
  const run = (...args: string[]) => runSupervisorCli(target, args, options);
  return {
    path: project.path,
    [Symbol.dispose]: () => project[Symbol.dispose](),
    run,
    start: () => spawnSupervisor(target, ["run"], options),
    /** What a command prints with --json; it has to end well. */
    async json<T>(...args: string[]): Promise<T> {
      const { code, stdout, stderr } = await run(...args, "--json");
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
      return JSON.parse(stdout) as T;
    },
  };
}

describeTargets("queue, task and cron", (target) => {
  test("through a running supervisor: enqueue, fail, retry by the text of the error, results, chain, cancel, pause", async () => {
    using site = setUp(target);
    const { run, json, path } = site;
    await using supervisor = site.start();
    await supervisor.waitFor("all 2 services ready");
    const tasks = async (...filter: string[]) => (await json<TaskPage>("task", "ls", ...filter)).tasks;

    for (const id of ["f1", "f2"]) {
      await json(
        "task",
        "enqueue",
        "mail:flaky",
        '{"n":1}',
        "--id",
        id,
        "--max-retry",
        "0",
        "--retention",
        "1h",
      );
    }
    await json("task", "enqueue", "mail:odd", "--id", "o1", "--max-retry", "0");
    await until(
      () => tasks("--state", "archived"),
      (all) => all.length === 3,
    );
    const listed = await run("task", "ls", "--state", "archived", "--type", "mail:f*");
    expect(listed.stdout).toMatch(
      /^f1 +default +mail:flaky +archived +.* ago +0\/0 +connect: Connection Refused/m,
    );
    expect(listed.stdout).not.toContain("o1");

    writeFileSync(join(path, "mended"), "");
    const retried = await run("task", "retry", "--state", "archived", "--error", "~connection refused");
    expect(retried).toMatchObject({ code: 0, stdout: "2 tasks may run again\n" });
    await until(
      () => tasks("--state", "completed"),
      (all) => all.length === 2,
    );
    expect(await json<TaskInfo>("task", "show", "f2")).toMatchObject({
      state: "completed",
      result: '{"sent":true}',
    });
    expect((await tasks("--state", "archived")).map(({ id }) => id)).toEqual(["o1"]);

    await json("task", "enqueue", "begin");
    const isDone = (all: readonly TaskInfo[]) => all.some(({ id }) => id === "chain-1:2");
    const completed = await until(() => tasks("--state", "completed"), isDone);
    expect(completed.find(({ id }) => id === "chain-1:2")).toMatchObject({ type: "step:two", result: "42" });

    await json("task", "enqueue", "slow", "--id", "s1");
    await until(
      () => tasks("--state", "active"),
      (all) => all.length === 1,
    );
    expect(await run("task", "delete", "s1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("s1: it is active"),
    });
    expect(await run("task", "cancel", "s1")).toMatchObject({ code: 0, stdout: "1 task asked to stop\n" });
    const cancelled = await until(
      () => json<TaskInfo>("task", "show", "s1"),
      ({ state }) => state === "archived",
    );
    expect(cancelled.lastError).toContain("cancel");

    await json("queue", "pause", "default");
    await json("task", "enqueue", "mail:flaky", "--id", "p1", "--retention", "1h");
    expect((await run("queue", "ls")).stdout).toMatch(/^default +paused +1 /m);
    await json("queue", "resume", "default");
    await until(
      () => json<TaskInfo>("task", "show", "p1"),
      ({ state }) => state === "completed",
    );
    const { stdout: inspected } = await run("queue", "inspect", "default");
    expect(inspected).toMatch(new RegExp(` ${supervisor.pid} .*default:1`));

    const wrong = await run("task", "enqueue", "mail:flaky", "--delay", "soon");
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('delay cannot be "soon" (TASK_INVALID)'),
    });
    expect(await run("task", "enqueue", "x", "--id", "p1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("TASK_CONFLICT"),
    });
    expect(await run("task", "show", "nobody")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("UNKNOWN_TASK"),
    });
    expect((await run("queue", "ls", "--broker", "fleeting")).stdout).toContain("no queues");
    supervisor.signal("SIGTERM");
    expect(await supervisor.exit).toMatchObject({ code: 0 });
  }, 60_000);

  test("pages over more than a thousand, drains, and works straight on the file when no supervisor runs", async () => {
    using site = setUp(target);
    const { run, json, path } = site;
    expect((await run("queue", "ls")).stdout).toContain("no queues");
    expect(existsSync(join(path, "queue.db"))).toBe(false);
    const early = await run("task", "enqueue", "many", "1200", "--id", "m1", "--retention", "1h");
    expect(early).toMatchObject({ code: 0, stdout: "m1: pending in default\n" });
    expect(early.stderr).toMatch(/^supervisor: none runs; the task is in \/\S+\.db\n$/);
    {
      await using supervisor = site.start();
      await until(
        () => json<TaskInfo>("task", "show", "m1"),
        ({ state }) => state === "completed",
      );
      supervisor.signal("SIGTERM");
      expect(await supervisor.exit).toMatchObject({ code: 0 });
    }
    const first = await json<TaskPage>("task", "ls", "-q", "bulk", "-n", "1100");
    const second = await json<TaskPage>(
      "task",
      "ls",
      "-q",
      "bulk",
      "-n",
      "1100",
      "--after",
      first.next ?? "",
    );
    expect([first.tasks.length, second.tasks.length, second.next]).toEqual([1_100, 100, undefined]);
    const payloads = [...first.tasks, ...second.tasks].map(({ payload }) => Number(payload));
    expect(payloads).toEqual(Array.from({ length: 1_200 }, (_, n) => n));

    expect(await run("task", "delete", "--type", "bulk:1")).toMatchObject({
      code: 1,
      stdout: "600 tasks would be deleted; add --yes to do it\n",
    });
    expect((await run("task", "delete", "--type", "bulk:1", "--yes")).stdout).toBe("600 tasks deleted\n");
    expect(await run("queue", "drain", "bulk")).toMatchObject({
      code: 1,
      stdout: "bulk: would delete 600 waiting tasks; add --yes to do it\n",
    });
    expect((await run("queue", "drain", "bulk", "--yes")).stdout).toBe("bulk: deleted 600 waiting tasks\n");
    expect((await run("task", "ls", "-q", "bulk")).stdout).toBe("no such tasks\n");
    expect(await run("queue", "drain", "blk")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean "bulk"?'),
    });
    expect(await run("task", "delete")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("needs to know which tasks"),
    });
    expect(await run("task", "ls", "--broker", "fleeting")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("in the memory of its supervisor"),
    });
  }, 60_000);

  test("cron: next times from the file, pause that lasts, run now and its history", async () => {
    using site = setUp(target);
    const { run, json, path } = site;
    const { next } = await json<{ next: number[] }>("cron", "next", "nightly", "-n", "3");
    expect(next.map((at) => new Date(at).toISOString().slice(4))).toEqual(
      Array(3).fill("-01-01T03:00:00.000Z"),
    );
    expect((await run("cron", "ls")).stdout).toMatch(/^nightly +0 3 1 1 \* +UTC +waiting +in \d+d +- +-$/m);
    expect(await run("cron", "run", "nightly")).toMatchObject({ code: 3 });
    await json("cron", "pause", "nightly");

    await using supervisor = site.start();
    await supervisor.waitFor("all 2 services ready");
    expect((await run("cron", "ls")).stdout).toMatch(/^nightly .* paused /m);
    await json("cron", "resume", "nightly");
    expect(await run("cron", "run", "nightly")).toMatchObject({ code: 0, stdout: "nightly: runs\n" });
    const runs = () => json<{ runs: ScheduleRun[] }>("cron", "history", "nightly");
    const { runs: seen } = await until(runs, (all) => all.runs[0]?.outcome === "done");
    expect(seen).toMatchObject([{ cause: "manual", outcome: "done" }]);
    expect(readFileSync(join(path, "ran"), "utf8")).toBe("manual");
    expect(await run("cron", "run", "nihgtly")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean "nightly"?'),
    });
    supervisor.signal("SIGTERM");
    expect(await supervisor.exit).toMatchObject({ code: 0 });
    const history = await json<{ runs: ScheduleRun[] }>("cron", "history", "nightly");
    expect(history.runs.length).toBe(1);
  }, 60_000);
});
