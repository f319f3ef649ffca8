import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { SupervisorError } from "../../src/core/errors.ts";
import type { TaskInfo, TaskState } from "../../src/core/task.ts";
import type { NewTask } from "../../src/queue/driver.ts";
import { createQueue } from "../../src/queue/producer.ts";
import { mostPayloadBytes } from "../../src/queue/producer-payload.ts";
import type { EnqueueOptions } from "../../src/service/message.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { scriptedDriver } from "./scripted-driver.ts";

function setUp(inspector: Parameters<typeof scriptedDriver>[0] = {}) {
  const driver = scriptedDriver(inspector);
  const clock = new FakeClock();
  let made = 0;
  const queue = createQueue({ broker: "main", driver: () => driver, clock, newId: () => `id-${++made}` });
  return { driver, clock, queue, now: clock.wall() };
}

async function errorOf(promise: Promise<unknown>): Promise<SupervisorError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SupervisorError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("queue.enqueue()", () => {
  test("fills in the defaults", async () => {
    const { driver, queue } = setUp();
    const task = await queue.enqueue("mail:welcome", { to: "a@b.c" });
    expect(task).toEqual({ id: "id-1", queue: "default", state: "pending" });
    expect(driver.calls).toEqual([
      [
        {
          id: "id-1",
          queue: "default",
          type: "mail:welcome",
          payload: '{"to":"a@b.c"}',
          maxRetry: 25,
          timeout: 0,
          deadline: 0,
          retention: 0,
        },
      ],
    ]);
  });

  test("passes every option on, in milliseconds", async () => {
    const { driver, queue, now } = setUp();
    const task = await queue.enqueue("mail:welcome", 1, {
      queue: "critical",
      delay: "1m",
      key: "user-7",
      id: "mine",
      unique: "10s",
      maxRetry: 3,
      timeout: "1.5s",
      deadline: new Date(now + 120_000),
      retention: "24h",
      headers: { traceparent: "00-1-2-01" },
    });
    expect(task).toEqual({ id: "mine", queue: "critical", state: "scheduled" });
    const digest = createHash("md5").update("1").digest("hex");
    expect(driver.calls[0]?.[0]).toEqual({
      id: "mine",
      queue: "critical",
      type: "mail:welcome",
      payload: "1",
      headers: { traceparent: "00-1-2-01" },
      key: "user-7",
      runAt: now + 60_000,
      maxRetry: 3,
      timeout: 1_500,
      deadline: now + 120_000,
      retention: 86_400_000,
      unique: { key: `asynq:{critical}:unique:mail:welcome:${digest}`, ttl: 10_000 },
    });
  });

  test("takes a time that has passed as now, and an hour as it is", async () => {
    const { driver, queue, now } = setUp();
    await queue.enqueue("a", null, { at: now - 1 });
    await queue.enqueue("b", null, { at: new Date(now + 1) });
    expect(driver.calls.map(([task]) => task?.runAt)).toEqual([undefined, now + 1]);
  });

  test("keeps bytes as they are, and its own copy of them", async () => {
    const { driver, queue } = setUp();
    const bytes = Buffer.from([0xff, 0x00]);
    const enqueued = queue.enqueue("raw", bytes);
    bytes[0] = 1;
    await enqueued;
    expect(driver.calls[0]?.[0]?.payload).toEqual(new Uint8Array([0xff, 0x00]));
  });

  test("has no payload, and asynq's key without digest, for undefined", async () => {
    const { driver, queue } = setUp();
    await queue.enqueue("tick", undefined, { unique: 1_000 });
    expect(driver.calls[0]?.[0]).toMatchObject({
      payload: "",
      unique: { key: "asynq:{default}:unique:tick:", ttl: 1_000 },
    });
  });

  test("says DUPLICATE and CONFLICT with what was there", async () => {
    const { driver, queue } = setUp();
    driver.answer = async () => [{ tag: "duplicate" }];
    const duplicate = await errorOf(queue.enqueue("a", 1, { unique: "1m" }));
    expect([duplicate.code, duplicate.message]).toEqual([
      "TASK_DUPLICATE",
      '"a" with this payload waits in the queue "default" of "main" already',
    ]);
    driver.answer = async () => [{ tag: "conflict" }];
    const conflict = await errorOf(queue.enqueue("a", 1, { id: "x" }));
    expect([conflict.code, conflict.message]).toEqual([
      "TASK_CONFLICT",
      'The queue "default" of "main" has a task with the id "x" already',
    ]);
  });

  test("hands the broker's error on to each that waits for it", async () => {
    const { driver, queue } = setUp();
    driver.answer = async () => {
      throw new SupervisorError("BROKER_UNREACHABLE", "away", "Wait.");
    };
    const codes = await Promise.all([1, 2].map((n) => errorOf(queue.enqueue("a", n))));
    expect(codes.map(({ code }) => code)).toEqual(["BROKER_UNREACHABLE", "BROKER_UNREACHABLE"]);
  });

  test("sends what is enqueued in one turn together, at most a thousand at once, each with its own outcome", async () => {
    const { driver, queue } = setUp();
    driver.answer = async (tasks) =>
      tasks.map((task) =>
        task.payload === "7" ? { tag: "duplicate" } : { tag: "enqueued", state: "pending" },
      );
    const all = await Promise.allSettled(Array.from({ length: 1_500 }, (_, n) => queue.enqueue("a", n)));
    expect(driver.calls.map((call) => call.length)).toEqual([1_000, 500]);
    expect(all.flatMap((one, n) => (one.status === "rejected" ? [n] : []))).toEqual([7]);
  });

  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const wrong: [string, unknown, EnqueueOptions & Record<string, unknown>, RegExp][] = [
    ["", null, {}, /^Cannot enqueue "": its type must be a text that is not blank$/],
    ["  ", null, {}, /type/],
    ["x".repeat(256), null, {}, /type cannot be/],
    ["a", 1n, {}, /^Cannot enqueue "a": its payload is no JSON/],
    ["a", circular, {}, /payload is no JSON/],
    ["a", () => 1, {}, /a function has no JSON/],
    ["a", Number.NaN, {}, /payload is no JSON: NaN has no JSON/],
    ["a", Number.NEGATIVE_INFINITY, {}, /payload is no JSON: -Infinity has no JSON/],
    ["a", "ü".repeat(mostPayloadBytes / 2), {}, /payload has 16777218 bytes, more than 16777216/],
    ["a", new Uint8Array(mostPayloadBytes + 1), {}, /payload has 16777217 bytes/],
    ["a", null, { queue: "" }, /queue cannot be ""/],
    ["a", null, { queue: "no spaces" }, /queue cannot be "no spaces"/],
    ["a", null, { queue: "-x" }, /queue cannot be "-x"/],
    ["a", null, { queue: "q".repeat(101) }, /queue cannot be/],
    ["a", null, { delay: "soon" }, /delay cannot be "soon"/],
    ["a", null, { delay: -1 }, /delay cannot be -1/],
    ["a", null, { delay: Number.NaN }, /delay cannot be NaN/],
    ["a", null, { delay: 1, at: 2 }, /delay and at exclude each other/],
    ["a", null, { at: new Date("nonsense") }, /at cannot be an invalid Date/],
    ["a", null, { at: Number.POSITIVE_INFINITY }, /at cannot be Infinity/],
    ["a", null, { at: new Date("9999-12-31T00:00:00.001Z") }, /at cannot be 9999-12-31T00:00:00.001Z/],
    ["a", null, { deadline: 8.64e15 }, /deadline cannot be 8640000000000000/],
    ["a", null, { delay: 1e15 }, /delay cannot be 1000000000000000/],
    ["a", null, { unique: "999ms" }, /unique cannot be "999ms"/],
    ["a", null, { unique: 0 }, /unique cannot be 0/],
    ["a", null, { maxRetry: -1 }, /maxRetry cannot be -1/],
    ["a", null, { maxRetry: 1.5 }, /maxRetry cannot be 1.5/],
    ["a", null, { timeout: "10 s" }, /timeout cannot be "10 s"/],
    ["a", null, { retention: {} as unknown as string }, /retention cannot be an object/],
    ["a", null, { deadline: 1 }, /deadline 1970-01-01T00:00:00.001Z has passed/],
    ["a", null, { deadline: 1_700_000_002_000, delay: "1m" }, /comes before its first attempt/],
    ["a", null, { id: "" }, /id cannot be ""/],
    ["a", null, { key: "a\0b" }, /key cannot be/],
    ["a", null, { group: "g", unique: "1m" }, /group and unique exclude each other/],
    ["a", null, { group: "g", delay: "1m" }, /group and delay exclude each other/],
    ["a", null, { headers: { "supervisor-chain": "{}" } }, /headers cannot have the name "supervisor-chain"/],
    ["a", null, { headers: { n: 1 as unknown as string } }, /headers.n cannot be 1/],
    ["a", null, { headers: { n: "x".repeat(20_000) } }, /headers have 20001 bytes/],
    ["a", null, { queue: null as never }, /queue cannot be null/],
    ["a", null, { maxRetry: null as never }, /maxRetry cannot be null/],
    ["a", null, { timeout: null as never }, /timeout cannot be null/],
    ["a", null, { retention: null as never }, /retention cannot be null/],
    ["a", null, { dealy: "1m" }, /there is no option "dealy"/],
  ];
  for (const [type, payload, options, message] of wrong) {
    test(`refuses with TASK_INVALID: ${message.source}`, async () => {
      const { driver, queue } = setUp();
      const error = await errorOf(queue.enqueue(type, payload, options));
      expect(error.code).toBe("TASK_INVALID");
      expect(error.message).toMatch(message);
      expect(error.hint).not.toBe("");
      expect(driver.calls).toEqual([]);
    });
  }

  test("answers scheduled for a task with a later time, also when that has come in the broker", async () => {
    const { driver, queue } = setUp();
    driver.answer = async () => [{ tag: "enqueued", state: "pending" }];
    expect((await queue.enqueue("a", 1, { delay: 1.5 })).state).toBe("scheduled");
    expect((await queue.enqueue("a", 1, { delay: 0 })).state).toBe("pending");
    expect(await queue.enqueueAll([{ type: "a", delay: 1 }])).toMatchObject([{ state: "scheduled" }]);
  });

  test("takes times up to the last day of the year 9999, which is the same with every broker", async () => {
    const { driver, queue } = setUp();
    await queue.enqueue("a", 1, { at: new Date("9999-12-31") });
    expect(driver.calls[0]?.[0]?.runAt).toBe(Date.UTC(9999, 11, 31));
    const error = await errorOf(queue.enqueue("a", 1, { delay: "70000000h" }));
    expect(error.hint).toBe("Nothing waits longer than until 9999-12-31.");
  });

  test("suggests the option that was meant", async () => {
    const error = await errorOf(setUp().queue.enqueue("a", 1, { maxRetries: 3 } as EnqueueOptions));
    expect(error.hint).toBe('Did you mean "maxRetry"?');
  });
});

describe("queue.enqueueAll()", () => {
  test("asks the broker once and tells what became of each", async () => {
    const { driver, queue } = setUp();
    driver.answer = async () => [
      { tag: "enqueued", state: "aggregating" },
      { tag: "duplicate" },
      { tag: "conflict" },
    ];
    const outcomes = await queue.enqueueAll([
      { type: "a", group: "g" },
      { type: "b", unique: "1s" },
      { type: "c", id: "x" },
    ]);
    expect(driver.calls.length).toBe(1);
    expect(outcomes).toEqual([
      { ok: true, id: "id-1", queue: "default", state: "aggregating" },
      { ok: false, id: "id-2", code: "TASK_DUPLICATE" },
      { ok: false, id: "x", code: "TASK_CONFLICT" },
    ]);
  });

  test("enqueues none when one is wrong, and nothing costs nothing", async () => {
    const { driver, queue } = setUp();
    expect((await errorOf(queue.enqueueAll([{ type: "a" }, { type: "" }]))).code).toBe("TASK_INVALID");
    expect(await queue.enqueueAll([])).toEqual([]);
    expect(driver.calls).toEqual([]);
  });
});

describe("a list of tasks", () => {
  const wrong: [unknown, string][] = [
    ["x", 'Cannot enqueue "x": it is no list of tasks'],
    [undefined, "Cannot enqueue undefined: it is no list of tasks"],
    [[null], "Cannot enqueue null: number 1 of the list is no task"],
    [[{ type: "a" }, "b"], 'Cannot enqueue "b": number 2 of the list is no task'],
  ];
  for (const [list, message] of wrong) {
    test(`that is none is refused with TASK_INVALID: ${message}`, async () => {
      const { driver, queue } = setUp();
      for (const enqueue of [queue.enqueueAll, queue.chain]) {
        const error = await errorOf(enqueue(list as never));
        expect([error.code, error.message]).toEqual(["TASK_INVALID", message]);
      }
      expect(driver.calls).toEqual([]);
    });
  }

  test("whose first step has no JSON is no chain", async () => {
    const error = await errorOf(setUp().queue.chain([{ type: "a", payload: Number.NaN }]));
    expect([error.code, error.message]).toEqual([
      "TASK_INVALID",
      'Cannot enqueue "a": its payload is no JSON: NaN has no JSON',
    ]);
  });
});

describe("queue.find() and cancel()", () => {
  const info = (queue: string, state: TaskState): TaskInfo => ({
    id: "x",
    queue,
    type: "a",
    state,
    payload: "",
    headers: {},
    retried: 2,
    maxRetry: 25,
    timeout: 0,
    deadline: 0,
    retention: 0,
    result: '{"n":1}',
    progress: "half",
  });
  const queues = async () => [{ queue: "default" }, { queue: "low" }] as never;

  test("finds a task in a queue that is not named, with its result parsed", async () => {
    const { queue } = setUp({
      queues,
      task: async (name) => (name === "low" ? info("low", "completed") : undefined),
    });
    expect(await queue.find("x")).toEqual({
      id: "x",
      queue: "low",
      type: "a",
      state: "completed",
      retried: 2,
      result: { n: 1 },
      progress: "half",
    });
    expect(await queue.find("x", { queue: "default" })).toBeUndefined();
  });

  test("cancels what is worked on and deletes what waits, also when it begins meanwhile", async () => {
    const states: TaskState[] = ["pending", "active"];
    const seen: unknown[] = [];
    const { queue } = setUp({
      task: async () => info("default", states[0] as TaskState),
      async act(name, action, filter) {
        seen.push([name, action, filter]);
        states.shift();
        return action === "cancel" ? 1 : 0;
      },
    });
    expect(await queue.cancel("x")).toBe(true);
    expect(seen).toEqual([
      ["default", "delete", { ids: ["x"], state: "pending" }],
      ["default", "cancel", { ids: ["x"], state: "active" }],
    ]);
  });

  test("has nothing to cancel when it ended, or never was", async () => {
    expect(await setUp({ task: async () => info("default", "completed") }).queue.cancel("x")).toBe(false);
    expect(await setUp({ queues, task: async () => undefined }).queue.cancel("x")).toBe(false);
  });
});

test("queue.chain() enqueues the first step with the id of the chain, the others in its header", async () => {
  const { driver, queue } = setUp();
  const task = await queue.chain([
    { type: "fetch", payload: { url: "u" } },
    { type: "resize", payload: { width: 10 }, delay: "5s" },
    { type: "store", queue: "low" },
  ]);
  expect(task).toEqual({ id: "id-1", queue: "default", state: "pending" });
  const [first] = driver.calls[0] as [NewTask];
  expect(first).toMatchObject({ id: "id-1", type: "fetch", payload: '{"input":{"url":"u"}}' });
  expect(JSON.parse(first.headers?.["supervisor-chain"] ?? "")).toMatchObject({
    id: "id-1",
    next: 2,
    steps: [
      { type: "resize", input: { width: 10 }, delay: 5_000 },
      { type: "store", queue: "low" },
    ],
  });
});
