import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { systemClock } from "../../src/core/clock.ts";
import type { Delivery, Driver, NewTask, Receiver } from "../../src/queue/driver.ts";
import { openRedis } from "../../src/queue/drivers/redis.ts";
import type { Asynq } from "../support/asynq.ts";
import { asynqAt, buildAsynq } from "../support/asynq.ts";
import { newOwner, silent } from "../support/queue-sites.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { lacksRedis, redisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";

const made = lacksRedis ? { reason: lacksRedis } : buildAsynq();
const reason = "reason" in made ? made.reason : undefined;

describe.skipIf(reason !== undefined)(
  `asynq in Go, on the same Redis${reason ? ` (skipped: ${reason})` : ""}`,
  () => {
    let server: RedisServer;
    let go: Asynq;
    let driver: Driver;
    beforeAll(async () => {
      server = await redisServer();
      go = asynqAt("program" in made ? made.program : "", server.port);
    });
    afterAll(() => server[Symbol.asyncDispose]());
    beforeEach(async () => {
      await server.ask("FLUSHALL");
      driver = openRedis({
        name: "interop",
        url: server.url,
        clock: systemClock,
        random: Math.random,
        log: silent,
        owner: newOwner(),
        onConnection: () => {},
      });
      await driver.connect();
    });
    afterEach(() => driver.close());

    test("its client enqueues what is received here, with all options", async () => {
      const receiver = consume(driver);
      const deadline = Math.floor(Date.now() / 1000) + 3_600;
      const answers = await go.enqueue([
        {
          type: "a",
          payload: '{"ü":1}',
          queue: "q",
          id: "one",
          headers: { traceparent: "00-1" },
          maxRetry: 3,
        },
        {
          type: "b",
          payload: "two",
          queue: "q",
          id: "two",
          timeout: 90,
          deadline,
          retention: 60,
          unique: 30,
        },
        { type: "c", payload: "", queue: "q", id: "three", delay: 1_000 },
      ]);
      expect(answers.map(({ id, state }) => [id, state])).toEqual([
        ["one", "pending"],
        ["two", "pending"],
        ["three", "scheduled"],
      ]);
      const got = await receiveMany(receiver, 3);
      const [one, two, three] = got;
      expect([one?.id, one?.type, textOf(one), { ...one?.headers }]).toEqual([
        "one",
        "a",
        '{"ü":1}',
        { traceparent: "00-1" },
      ]);
      // Half an hour is asynq's own default.
      expect([one?.maxRetry, one?.timeout, one?.deadline, one?.retention]).toEqual([3, 1_800_000, 0, 0]);
      expect([two?.timeout, two?.deadline, two?.retention]).toEqual([90_000, deadline * 1000, 60_000]);
      expect([three?.id, textOf(three), three?.maxRetry]).toEqual(["three", "", 25]);
      expect(Math.abs((one?.enqueuedAt ?? 0) - Date.now())).toBeLessThan(10_000);
      await receiver.settle(got.map((delivery) => ({ tag: "ack", delivery, result: "done here" })));
      const shown = (await go.inspect("task", "q", "two")) as {
        State: number;
        Result: string;
        CompletedAt: string;
      };
      expect([shown.State, Buffer.from(shown.Result, "base64").toString()]).toEqual([6, "done here"]);
      expect(await go.enqueue([{ type: "b", payload: "two", queue: "q", unique: 30 }])).toMatchObject([
        { state: "pending" },
      ]);
      await receiver.close();
    });

    test("its server consumes what is enqueued here, and its failures count here", async () => {
      const deadline = Date.now() + 3_600_400;
      await driver.enqueue([
        task("t1", { payload: "hello ü", headers: { a: "b" }, maxRetry: 7, retention: 60_000 }),
        task("t2", { payload: "skip", maxRetry: 2 }),
        task("t3", { payload: "later", runAt: Date.now() + 700 }),
        task("t4", { payload: "late", timeout: 1_500, deadline }),
      ]);
      const handled = await go.consume("q", 4);
      const byId = new Map(handled.map((one) => [one.id, one]));
      expect([...byId.keys()].sort()).toEqual(["t1", "t2", "t3", "t4"]);
      expect(byId.get("t1")).toMatchObject({
        payload: "hello ü",
        type: "test:one",
        headers: { a: "b" },
        maxRetry: 7,
      });
      expect(byId.get("t4")?.deadline).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + 2);
      const { inspector } = driver;
      expect(await inspector.task("q", "t1")).toMatchObject({ state: "completed", result: "result of Go" });
      expect((await inspector.task("q", "t2"))?.state).toBe("archived");
      expect(await inspector.task("q", "t3")).toBeUndefined();
      expect((await inspector.queues())[0]).toMatchObject({ processed: 4, failed: 1, processedTotal: 4 });
      await driver.enqueue([task("t5", { payload: "fail" })]);
      await go.consume("q", 1);
      expect(await inspector.task("q", "t5")).toMatchObject({
        state: "retry",
        retried: 1,
        lastError: "it broke in Go",
      });
      const receiver = consume(driver);
      const [again] = await receiveMany(receiver, 1);
      expect([again?.id, again?.retried]).toEqual(["t5", 1]);
      await receiver.close();
    });

    test("unique holds across both, in both directions, and ids conflict", async () => {
      const unique = { key: lockOf("q", "u", "same"), ttl: 60_000 };
      expect(await driver.enqueue([task("u1", { type: "u", payload: "same", unique })])).toMatchObject([
        { tag: "enqueued" },
      ]);
      expect(
        await go.enqueue([
          { type: "u", payload: "same", queue: "q", unique: 60 },
          { type: "u", payload: "same", queue: "q", id: "u1" },
          { type: "u", payload: "other", queue: "q", unique: 60, id: "u2" },
        ]),
      ).toMatchObject([{ error: "duplicate" }, { error: "conflict" }, { id: "u2" }]);
      const results = await driver.enqueue([
        task("u3", { type: "u", payload: "other", unique: { key: lockOf("q", "u", "other"), ttl: 1_000 } }),
        task("u2", {}),
      ]);
      expect(results).toEqual([{ tag: "duplicate" }, { tag: "conflict" }]);
      await go.consume("q", 2);
      expect(await driver.enqueue([task("u4", { type: "u", payload: "same", unique })])).toMatchObject([
        { tag: "enqueued" },
      ]);
    });

    test("its tools pause and resume a queue, and inspect, run, archive and delete tasks of ours", async () => {
      const receiver = consume(driver);
      await go.enqueue([{ type: "x", payload: "", queue: "q", id: "x1" }]);
      expect((await receiveMany(receiver, 1))[0]?.id).toBe("x1");
      await go.inspect("pause", "q");
      await driver.enqueue([
        task("p1", { payload: "visible" }),
        task("p2", {}),
        task("s1", { runAt: Date.now() + 3_600_123 }),
        task("s2", { runAt: Date.now() + 3_600_123 }),
      ]);
      const stop = new AbortController();
      const waiting = receiver.receive(5, stop.signal);
      expect(await Promise.race([waiting, Bun.sleep(300).then(() => "nothing")])).toBe("nothing");
      expect((await driver.inspector.queues())[0]?.paused).toBe(true);
      const shown = (await go.inspect("task", "q", "p1")) as {
        Payload: string;
        Queue: string;
        Type: string;
        Timeout: number;
      };
      // In nanoseconds: what its own client would have written.
      expect(shown.Timeout).toBe(1_800_000_000_000);
      expect((await driver.inspector.task("q", "p1"))?.timeout).toBe(0);
      expect([Buffer.from(shown.Payload, "base64").toString(), shown.Type]).toEqual(["visible", "test:one"]);
      expect(await go.inspect("queue", "q")).toMatchObject({
        Pending: 2,
        Scheduled: 2,
        Active: 1,
        Paused: true,
      });
      expect((await go.inspect("list", "q", "scheduled")) as unknown[]).toHaveLength(2);
      await go.inspect("archive", "q", "p2");
      await go.inspect("delete", "q", "s2");
      await go.inspect("run", "q", "s1");
      expect((await driver.inspector.task("q", "p2"))?.state).toBe("archived");
      expect(await driver.inspector.task("q", "s2")).toBeUndefined();
      await go.inspect("resume", "q");
      const got = [...(await waiting)];
      while (got.length < 2) got.push(...(await receiveMany(receiver, 1)));
      expect(got.map(({ id }) => id)).toEqual(["p1", "s1"]);
      await receiver.close();
    });

    test("its tools list our servers and their workers, and cancel a task of ours", async () => {
      const cancelled: string[] = [];
      const receiver = consume(driver, { concurrency: 7, onCancel: (id: string) => cancelled.push(id) });
      await driver.enqueue([task("w1", { payload: "work" })]);
      await receiveMany(receiver, 1);
      const servers = await until(
        async () => (await go.inspect("servers")) as { ActiveWorkers: { TaskID: string }[] }[] | null,
        (found) => found?.[0]?.ActiveWorkers?.length === 1,
      );
      expect(servers).toMatchObject([
        {
          PID: process.pid,
          Concurrency: 7,
          Queues: { q: 3 },
          Status: "active",
          ActiveWorkers: [{ TaskID: "w1" }],
        },
      ]);
      await go.inspect("cancel", "w1");
      expect(
        await until(
          async () => cancelled,
          (ids) => ids.length > 0,
        ),
      ).toEqual(["w1"]);
      await receiver.close();
      expect(await go.inspect("servers")).toBeNull();
    });

    test("its tools list schedules, and when they were enqueued", async () => {
      const next = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
      const notice = { entry: "nightly", cron: "0 3 * * *", type: "report", payload: "{}", queue: "q", next };
      await driver.schedules.announce([notice]);
      await driver.schedules.claim("nightly", { at: next, outcome: "running", owner: "x" });
      const [entry] = (await go.inspect("schedules")) as { ID: string; Spec: string; Next: string }[];
      expect([entry?.ID, entry?.Spec, Date.parse(entry?.Next ?? "")]).toEqual(["nightly", "0 3 * * *", next]);
      const [event] = (await go.inspect("scheduled-events", "nightly")) as { TaskID: string }[];
      expect(event?.TaskID).toStartWith("nightly@");
    });

    test("retries, archived and completed tasks of ours are listed by its tools, and held ones are scheduled", async () => {
      const receiver = consume(driver);
      await driver.enqueue(["r", "d", "c", "h"].map((id) => task(id, { retention: 60_000 })));
      const [r, d, c, h] = await receiveMany(receiver, 4);
      if (!r || !d || !c || !h) throw new Error("four tasks were enqueued");
      await receiver.settle([
        { tag: "retry", delivery: r, at: Date.now() + 30_500, error: "again", counts: true, blocks: "k" },
        { tag: "dead", delivery: d, error: "never" },
        { tag: "ack", delivery: c },
        { tag: "hold", delivery: h, key: "k" },
      ]);
      const idsOf = async (state: string) =>
        ((await go.inspect("list", "q", state)) as { ID: string }[]).map(({ ID }) => ID);
      expect(await idsOf("retry")).toEqual(["r"]);
      expect(await idsOf("archived")).toEqual(["d"]);
      expect(await idsOf("completed")).toEqual(["c"]);
      expect(await idsOf("scheduled")).toEqual(["h"]);
      expect(await go.inspect("task", "q", "r")).toMatchObject({ LastErr: "again", Retried: 1 });
      // What it does to the one that the other waits for frees the other, within a second.
      await go.inspect("delete", "q", "r");
      expect((await receiveMany(receiver, 1))[0]?.id).toBe("h");
      await receiver.close();
    });

    test("groups of its client are aggregated here", async () => {
      const receiver = consume(driver, { groups: { grace: 500, maxDelay: 0, maxSize: 2 } });
      await go.enqueue([
        { type: "g", payload: "1", queue: "q", id: "g1", group: "all" },
        { type: "g", payload: "2", queue: "q", id: "g2", group: "all" },
      ]);
      const [set] = await receiver.dueGroups();
      expect([set?.group, set?.tasks.map(({ id }) => id)]).toEqual(["all", ["g1", "g2"]]);
      if (set) expect(await receiver.commitGroup(set, task("sum", {}))).toBe("settled");
      expect((await receiveMany(receiver, 1))[0]?.id).toBe("sum");
      await receiver.close();
    });

    test("p99 from its enqueue to our receive is below 50 ms, while we only wait", async () => {
      const receiver = consume(driver);
      const waits: number[] = [];
      const receiving = (async () => {
        while (waits.length < 60) {
          const got = await receiver.receive(10, new AbortController().signal);
          for (const delivery of got) waits.push(Date.now() - delivery.enqueuedAt);
          await receiver.settle(got.map((delivery) => ({ tag: "ack", delivery })));
        }
      })();
      for (let round = 0; round < 6; round++) {
        await go.enqueue(Array.from({ length: 10 }, () => ({ type: "l", payload: "x", queue: "q" })));
      }
      await receiving;
      const p99 = waits.sort((a, b) => a - b)[Math.floor(waits.length * 0.98)] ?? Infinity;
      expect(p99).toBeLessThan(50);
      await receiver.close();
    });
  },
);

function consume(driver: Driver, over: object = {}): Receiver {
  return driver.subscribe({
    consumer: "interop",
    queues: [{ queue: "q", weight: 3 }],
    strict: false,
    lease: 30_000,
    concurrency: 10,
    onCancel: () => {},
    ...over,
  });
}

function task(id: string, over: Partial<NewTask>): NewTask {
  return {
    id,
    queue: "q",
    type: "test:one",
    payload: "{}",
    maxRetry: 25,
    timeout: 0,
    deadline: 0,
    retention: 0,
    ...over,
  };
}

async function receiveMany(receiver: Receiver, many: number): Promise<readonly Delivery[]> {
  const all: Delivery[] = [];
  const over = AbortSignal.timeout(5_000);
  while (all.length < many && !over.aborted) all.push(...(await receiver.receive(many - all.length, over)));
  return all;
}

function textOf(delivery: Delivery | undefined): string {
  return Buffer.from(delivery?.payload ?? "").toString();
}

/** asynq's base.go, UniqueKey. */
function lockOf(queue: string, type: string, payload: string): string {
  return `asynq:{${queue}}:unique:${type}:${createHash("md5").update(payload).digest("hex")}`;
}
