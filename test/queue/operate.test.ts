import { describe, expect, test } from "bun:test";
import { SupervisorError } from "../../src/core/errors.ts";
import { createLogger } from "../../src/core/log.ts";
import type { QueueAnswers, QueueCommand } from "../../src/core/queue-command.ts";
import type { ScheduleRun } from "../../src/core/task.ts";
import type { Inspector, NewTask } from "../../src/queue/driver.ts";
import { openMemory } from "../../src/queue/drivers/memory.ts";
import type { ScheduleAccess } from "../../src/queue/operate.ts";
import { operate } from "../../src/queue/operate.ts";
import { createQueue } from "../../src/queue/producer.ts";
import { FakeClock } from "../support/fake-clock.ts";

let stores = 0;

async function setUp(tasks: readonly (Partial<NewTask> & { id: string })[] = []) {
  const clock = new FakeClock();
  const driver = openMemory({
    name: `operate-${++stores}`,
    url: "memory:",
    clock,
    random: () => 0.5,
    log: createLogger(
      () => {},
      () => 0,
    ),
    owner: "here:1:x",
    onConnection: () => {},
  });
  await driver.connect();
  await driver.enqueue(tasks.map((task) => ({ ...plain, ...task })));
  const paused: boolean[] = [];
  const run: ScheduleRun = { at: 5, outcome: "running", cause: "manual", owner: "here" };
  const report: ScheduleAccess = {
    entry: "report",
    broker: "main",
    info: async () => ({
      entry: "report",
      cron: "@daily",
      timezone: "UTC",
      paused: false,
      next: [9],
      running: 0,
    }),
    nextRuns: (count) => Array.from({ length: count }, (_, n) => n),
    history: async (limit) => [run].slice(0, limit),
    setPaused: async (value) => void paused.push(value),
  };
  const access = {
    brokers: [
      { name: "main", scheme: "memory" },
      { name: "other", scheme: "memory" },
    ],
    driver: async () => driver,
    queue: (broker: string) => createQueue({ broker, driver: () => driver, clock }),
    schedules: () => [report, { ...report, entry: "live", broker: "other", runNow: async () => run }],
  };
  const ask = <Tag extends QueueCommand["tag"]>(command: QueueCommand & { tag: Tag }) =>
    operate(command, access) as Promise<QueueAnswers[Tag]>;
  return { ask, driver, clock, access, paused };
}

const plain = {
  queue: "default",
  type: "a",
  payload: "",
  maxRetry: 25,
  timeout: 0,
  deadline: 0,
  retention: 0,
};
const later = { runAt: 1_900_000_000_000 };

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "nothing was thrown",
    (error) => [error.code, error.hint],
  );
}

describe("operate() on tasks", () => {
  test("pages through all queues, each task once", async () => {
    const tasks = Array.from({ length: 25 }, (_, n) => ({
      id: `t${n}`,
      queue: ["b", "a", "c"][n % 3] as string,
    }));
    const { ask } = await setUp(tasks);
    const seen: string[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const page = await ask({
        tag: "tasks",
        filter: {},
        limit: 4,
        ...(after === undefined ? {} : { after }),
      });
      expect(page.tasks.length).toBeLessThanOrEqual(4);
      seen.push(...page.tasks.map(({ id, queue }) => `${queue} ${id}`));
      after = page.next;
      pages++;
    } while (after !== undefined);
    expect(pages).toBe(7);
    expect(seen.length).toBe(25);
    expect(new Set(seen).size).toBe(25);
    expect(seen.map((one) => one[0])).toEqual([..."a".repeat(8), ..."b".repeat(9), ..."c".repeat(8)]);
  });

  test("refuses a page after what no page has said, and goes on where a task was that has gone", async () => {
    const { ask } = await setUp(["t1", "t2", "t3", "t4"].map((id) => ({ id, queue: "a" })));
    for (const after of ["nonsense", "a", "a/nonsense"]) {
      const asked = ask({ tag: "tasks", filter: {}, limit: 1, after });
      await expect(asked).rejects.toMatchObject({ code: "BAD_REQUEST" });
    }
    const first = await ask({ tag: "tasks", filter: {}, limit: 2 });
    await ask({ tag: "act", action: "delete", filter: { ids: ["t2"] }, dryRun: false });
    const second = await ask({ tag: "tasks", filter: {}, limit: 2, after: first.next as string });
    expect([...first.tasks, ...second.tasks].map(({ id }) => id)).toEqual(["t1", "t2", "t3", "t4"]);
  });

  test("lists the others when a queue is broken, and says which is; named alone it is an error", async () => {
    const { ask, driver, access } = await setUp(
      ["a", "b", "c"].map((queue) => ({ id: `in-${queue}`, queue })),
    );
    const broken = new SupervisorError("BROKER_KEY", "the key asynq:{b}:pending is a string", "Delete it.");
    const tasks: Inspector["tasks"] = async (queue, ...rest) => {
      if (queue === "b") throw broken;
      return driver.inspector.tasks(queue, ...rest);
    };
    access.driver = async () => ({ ...driver, inspector: { ...driver.inspector, tasks } });
    const page = await ask({ tag: "tasks", filter: {}, limit: 10 });
    expect(page.tasks.map(({ id }) => id)).toEqual(["in-a", "in-c"]);
    expect(page.broken).toEqual([{ queue: "b", problem: broken.message }]);
    await expect(ask({ tag: "tasks", queue: "b", filter: {}, limit: 10 })).rejects.toBe(broken);
  });

  test("cuts long payloads in lists only", async () => {
    const { ask } = await setUp([{ id: "x", payload: JSON.stringify("y".repeat(10_000)) }]);
    const { tasks } = await ask({ tag: "tasks", filter: {}, limit: 10 });
    expect(tasks[0]?.payload.length).toBe(4_097);
    expect((await ask({ tag: "task", id: "x" })).payload.length).toBe(10_002);
  });

  test("finds a task in whatever queue, and says which do not exist", async () => {
    const { ask } = await setUp([{ id: "x", queue: "low" }]);
    expect(await ask({ tag: "task", id: "x" })).toMatchObject({ id: "x", queue: "low", state: "pending" });
    expect(await codeOf(ask({ tag: "task", id: "y" }))).toContain("UNKNOWN_TASK");
    expect(await codeOf(ask({ tag: "task", id: "x", queue: "lwo" }))).toEqual([
      "UNKNOWN_QUEUE",
      'Did you mean "low"?',
    ]);
  });

  test("acts by ids one by one, and names those it could not be done to", async () => {
    const { ask } = await setUp([{ id: "x", ...later }, { id: "y" }]);
    expect(
      await ask({ tag: "act", action: "run", filter: { ids: ["x", "y", "z", "x"] }, dryRun: false }),
    ).toEqual({
      count: 1,
      dryRun: false,
      refused: [{ id: "y", state: "pending" }, { id: "z" }],
    });
  });

  test("tells of a named task that the filter keeps it out, not its state", async () => {
    const { ask } = await setUp([{ id: "x", ...later }, { id: "y" }]);
    const filter = { ids: ["x", "y"], type: "other" };
    expect((await ask({ tag: "act", action: "run", filter, dryRun: false })).refused).toEqual([
      { id: "x", state: "scheduled", unmeant: true },
      { id: "y", state: "pending" },
    ]);
  });

  test("acts by a filter on all queues, or on one", async () => {
    const { ask } = await setUp([
      { id: "1", queue: "a", type: "mail:x" },
      { id: "2", queue: "b", type: "mail:y" },
      { id: "3", queue: "b", type: "sms" },
    ]);
    const filter = { type: "mail:*" };
    expect(await ask({ tag: "act", action: "archive", queue: "b", filter, dryRun: false })).toEqual({
      count: 1,
      dryRun: false,
    });
    expect(await ask({ tag: "act", action: "delete", filter, dryRun: false })).toEqual({
      count: 2,
      dryRun: false,
    });
    const { tasks } = await ask({ tag: "tasks", filter: {}, limit: 10 });
    expect(tasks.map(({ id }) => id)).toEqual(["3"]);
  });

  test("counts before it acts, only what could be acted on, and changes nothing", async () => {
    const { ask } = await setUp([{ id: "1" }, { id: "2", ...later }, { id: "3", type: "b" }]);
    const count = (action: "run" | "delete" | "cancel", filter = {}) =>
      ask({ tag: "act", action, filter, dryRun: true });
    expect(await count("delete")).toEqual({ count: 3, dryRun: true });
    expect(await count("delete", { type: "a" })).toEqual({ count: 2, dryRun: true });
    expect(await count("run")).toEqual({ count: 1, dryRun: true });
    expect(await count("cancel")).toEqual({ count: 0, dryRun: true });
    expect(await count("delete", { state: "scheduled", type: "a" })).toEqual({ count: 1, dryRun: true });
    expect((await ask({ tag: "tasks", filter: {}, limit: 10 })).tasks.length).toBe(3);
  });

  test("enqueues with times as text, and checks every option", async () => {
    const { ask } = await setUp();
    const task = { type: "mail", payload: { to: 1 }, at: "2035-01-01T00:00:00Z", queue: "low", id: "x" };
    expect(await ask({ tag: "enqueue", task })).toEqual({ id: "x", queue: "low", state: "scheduled" });
    expect(await ask({ tag: "task", id: "x" })).toMatchObject({
      runAt: Date.parse("2035-01-01T00:00:00Z"),
      payload: '{"to":1}',
    });
    const wrong = (more: object) => codeOf(ask({ tag: "enqueue", task: { type: "mail", ...more } }));
    expect(await wrong({ at: "soon" })).toContain("TASK_INVALID");
    expect(await wrong({ at: "1h" })).toContain("TASK_INVALID");
    expect(await wrong({ maxretry: 1 })).toEqual(["TASK_INVALID", 'Did you mean "maxRetry"?']);
    expect(await wrong({ id: "x", queue: "low" })).toContain("TASK_CONFLICT");
  });
});

describe("operate() on queues", () => {
  test("pauses, resumes and drains: what has ended or is worked on stays", async () => {
    const { ask, driver } = await setUp([{ id: "1" }, { id: "2", ...later }, { id: "3" }, { id: "4" }]);
    await driver.inspector.act("default", "archive", { ids: ["3"] });
    expect(await ask({ tag: "pause", queue: "default" })).toEqual({ queue: "default", paused: true });
    expect((await ask({ tag: "queues" })).queues[0]).toMatchObject({ queue: "default", paused: true });
    await ask({ tag: "resume", queue: "default" });
    expect((await ask({ tag: "queue", queue: "default" })).queue.paused).toBe(false);
    const drained = { queue: "default", count: 3 };
    expect(await ask({ tag: "drain", queue: "default", dryRun: true })).toEqual({ ...drained, dryRun: true });
    expect(await ask({ tag: "drain", queue: "default", dryRun: false })).toEqual({
      ...drained,
      dryRun: false,
    });
    expect((await ask({ tag: "queue", queue: "default" })).queue.counts).toMatchObject({
      pending: 0,
      archived: 1,
    });
  });

  test("knows a queue that is consumed and has had no task", async () => {
    const { ask, driver } = await setUp();
    driver.subscribe({
      consumer: "mailer",
      queues: [{ queue: "mail", weight: 1 }],
      strict: false,
      lease: 30_000,
      concurrency: 3,
      onCancel: () => {},
    });
    const { queue, servers } = await ask({ tag: "queue", queue: "mail" });
    expect(queue.counts.pending).toBe(0);
    expect(servers).toMatchObject([{ concurrency: 3, queues: { mail: 1 } }]);
    expect(await codeOf(ask({ tag: "pause", queue: "mial" }))).toEqual([
      "UNKNOWN_QUEUE",
      'Did you mean "mail"?',
    ]);
  });

  test("names the brokers there are", async () => {
    const { ask, access } = await setUp();
    expect(await ask({ tag: "brokers" })).toEqual({ brokers: access.brokers });
    expect(await codeOf(ask({ tag: "queues", broker: "mian" }))).toEqual([
      "UNKNOWN_BROKER",
      'Did you mean "main"?',
    ]);
    expect(await codeOf(operate({ tag: "queues" }, { ...access, brokers: [] }))).toContain("UNKNOWN_BROKER");
  });
});

describe("operate() on schedules", () => {
  test("lists all, or those of a broker", async () => {
    const { ask } = await setUp();
    expect((await ask({ tag: "schedules" })).schedules.length).toBe(2);
    expect((await ask({ tag: "schedules", broker: "main" })).schedules.length).toBe(1);
  });

  test("runs what runs, and says so when it does not", async () => {
    const { ask, paused } = await setUp();
    expect(await ask({ tag: "runNow", entry: "live" })).toMatchObject({ run: { cause: "manual" } });
    expect(await codeOf(ask({ tag: "runNow", entry: "report" }))).toContain("NOT_RUNNING");
    expect(await ask({ tag: "next", entry: "report", count: 2 })).toEqual({ entry: "report", next: [0, 1] });
    expect((await ask({ tag: "runs", entry: "report", limit: 1 })).runs.length).toBe(1);
    expect(await ask({ tag: "pauseSchedule", entry: "report" })).toEqual({ entry: "report", paused: true });
    expect(await ask({ tag: "resumeSchedule", entry: "report" })).toEqual({ entry: "report", paused: false });
    expect(paused).toEqual([true, false]);
    expect(await codeOf(ask({ tag: "next", entry: "reprot", count: 1 }))).toEqual([
      "UNKNOWN_SCHEDULE",
      'Did you mean "report"?',
    ]);
  });
});
