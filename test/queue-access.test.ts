import { expect, test } from "bun:test";
import { createLogger } from "../src/core/log.ts";
import type { Plan, SchedulePlan } from "../src/core/plan.ts";
import type { QueueAnswers } from "../src/core/queue-command.ts";
import type { ScheduleRun } from "../src/core/task.ts";
import { openMemory } from "../src/queue/drivers/memory.ts";
import type { QueueAccessOptions } from "../src/queue-access.ts";
import { operateOn } from "../src/queue-access.ts";
import type { FarSchedule } from "../src/schedule/stored-schedule.ts";
import { FakeClock } from "./support/fake-clock.ts";

const schedule: SchedulePlan = {
  cron: "0 3 * * *",
  timezone: "UTC",
  overlap: "skip",
  catchUp: "skip",
  jitter: 0,
  timeout: 0,
  broker: "main",
};
const plan = {
  brokers: [{ name: "main", scheme: "memory", url: "memory:" }],
  services: [{ name: "nightly", schedule }, { name: "api" }],
} as unknown as Plan;

let stores = 0;

function setUp(options: { away?: boolean; live?: QueueAccessOptions["live"] } = {}) {
  const clock = new FakeClock();
  const driver = openMemory({
    name: `access-${++stores}`,
    url: "memory:",
    clock,
    random: () => 0,
    log: createLogger(
      () => {},
      () => 0,
    ),
    owner: "here:1:x",
    onConnection: () => {},
  });
  const connect = () => (options.away ? new Promise<void>(() => {}) : driver.connect());
  let trouble: string | undefined;
  const access: QueueAccessOptions = {
    plan: () => plan,
    clock,
    brokers: {
      driver: async () => ({ ...driver, connect }),
      queue: () => {
        throw new Error("nothing is enqueued here");
      },
      watch(_name, listener) {
        listener(trouble);
        return () => {};
      },
    },
    ...(options.live ? { live: options.live } : {}),
  };
  return {
    clock,
    access,
    driver,
    fail(reason: string) {
      trouble = reason;
    },
  };
}

test("operateOn() waits five seconds for a broker that is away, and says why it is", async () => {
  const { access, clock, fail } = setUp({ away: true });
  const asked = operateOn({ tag: "queues" }, access).catch((error) => [error.code, error.message]);
  await clock.tick(4_999);
  expect(await Promise.race([asked, "waits"])).toBe("waits");
  await clock.tick(1);
  expect(await asked).toEqual(["BROKER_UNREACHABLE", 'The broker "main" has not answered within 5 s']);
  expect(clock.pending).toBe(0);

  fail("connection refused");
  const again = operateOn({ tag: "queues" }, access).catch((error) => error.message);
  await clock.tick(5_000);
  expect(await again).toBe("connection refused");
});

test("operateOn() knows a schedule that nobody keeps from the plan and the broker", async () => {
  const { access, clock, driver } = setUp();
  const at = clock.wall() - 60_000;
  await driver.schedules.claim("nightly", { at, outcome: "running", owner: "x" });
  await driver.schedules.finish("nightly", { at, outcome: "done", durationMs: 5, owner: "x" });
  await operateOn({ tag: "pauseSchedule", entry: "nightly" }, access);
  const { schedules } = (await operateOn({ tag: "schedules" }, access)) as QueueAnswers["schedules"];
  expect(schedules).toMatchObject([
    { entry: "nightly", cron: "0 3 * * *", paused: true, lastAt: at, last: { outcome: "done" }, running: 0 },
  ]);
  expect(schedules[0]?.next.map((time) => new Date(time).toISOString().slice(11))).toEqual(
    Array(5).fill("03:00:00.000Z"),
  );
  expect((schedules[0]?.next[0] ?? 0) - clock.wall()).toBeLessThan(86_400_000);
});

test("operateOn() asks what keeps a schedule, when something does", async () => {
  const { access } = setUp({
    live: (service) =>
      service === "nightly"
        ? {
            info: () => Promise.reject(new Error("not asked for")),
            nextRuns: () => [7],
            history: async () => [],
            setPaused: async () => {},
            runNow: async () => ({ at: 7, outcome: "running", cause: "manual", owner: "x" }),
          }
        : undefined,
  });
  expect(await operateOn({ tag: "next", entry: "nightly", count: 1 }, access)).toEqual({
    entry: "nightly",
    next: [7],
  });
  expect(await operateOn({ tag: "runNow", entry: "nightly" }, access)).toMatchObject({ run: { at: 7 } });
});

test("operateOn() tells of a schedule in a thread what the broker and the thread know, and begins its runs there", async () => {
  const run: ScheduleRun = { at: 7, outcome: "running", cause: "manual", owner: "x" };
  const far: FarSchedule = { runNow: async () => run, runs: 1, isPaused: true };
  const { access, clock, driver } = setUp({ live: (service) => (service === "nightly" ? far : undefined) });
  const at = clock.wall();
  await driver.schedules.claim("nightly", { at, outcome: "skipped", cause: "overlap", owner: "x" });
  const { schedules } = (await operateOn({ tag: "schedules" }, access)) as QueueAnswers["schedules"];
  expect(schedules).toMatchObject([{ running: 1, paused: true, last: { outcome: "skipped" } }]);
  expect(schedules[0]?.next.length).toBe(5);
  expect(await operateOn({ tag: "runNow", entry: "nightly" }, access)).toEqual({ entry: "nightly", run });
  expect(await operateOn({ tag: "runs", entry: "nightly", limit: 5 }, access)).toMatchObject({
    runs: [{ at }],
  });
});

test.each([
  ["has no generation that serves", undefined],
  ["has lost the thread that keeps it", { runNow: async () => undefined, runs: 0, isPaused: false }],
])("operateOn() refuses a run of a schedule whose service %s", async (_, far) => {
  const { access } = setUp({ live: () => far });
  const refused = operateOn({ tag: "runNow", entry: "nightly" }, access);
  await expect(refused).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: 'The schedule of service "nightly" cannot run now: the service is not ready',
    hint: expect.stringContaining("supervisor status"),
  });
  const { schedules } = (await operateOn({ tag: "schedules" }, access)) as QueueAnswers["schedules"];
  expect(schedules).toMatchObject([{ running: 0, paused: false }]);
});
