import { describe, expect, test } from "bun:test";
import { PermanentError } from "../../src/core/errors.ts";
import type { Message } from "../../src/service/message.ts";
import { Desk, Site } from "./setup.ts";

describe("a message", () => {
  test("is settled after its handler has returned, and not before", async () => {
    const site = new Site();
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(1);
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    expect(site.states()).toEqual(["active"]);
    desk.end("t0");
    await site.rest();
    expect(site.states()).toEqual(["done"]);
    expect(site.intake.stats()).toMatchObject({ received: 1, done: 1, active: 0, buffered: 0 });
  });

  test("whose handler throws is tried again after the backoff, and archived after maxRetry", async () => {
    const site = new Site();
    let calls = 0;
    await site.open({
      consume() {
        calls++;
        throw new Error(`no ${calls}`);
      },
    });
    site.enqueue(1, undefined, { maxRetry: 2 });
    await site.rest();
    expect(site.broker.tasks[0]).toMatchObject({ state: "retry", retried: 1 });
    await site.pass(1_000);
    expect(calls).toBe(2);
    await site.pass(600_000);
    expect(calls).toBe(3);
    expect(site.states()).toEqual(["dead"]);
    expect(site.records.filter(({ level }) => level === "error")).toHaveLength(1);
    expect(site.records[0]?.fields).toMatchObject({ task: "t0", type: "test", queue: "q", attempt: 1 });
  });

  test("that says ack, retry or dead is settled as it said last, whatever happens then", async () => {
    const site = new Site({ concurrency: 8 });
    const says: Record<string, (message: Message) => unknown> = {
      t0: (message) => {
        message.ack();
        throw new Error("late");
      },
      t1: (message) => message.dead("no such order"),
      t2: (message) => message.retry({ delay: "5s", counts: false }),
      t3: (message) => {
        message.dead("no");
        message.ack();
      },
      t4: () => {
        throw new PermanentError("never");
      },
    };
    await site.open({ consume: (message) => says[message.id]?.(message) });
    site.enqueue(5);
    await site.rest();
    expect(site.states()).toEqual(["done", "dead", "retry", "done", "dead"]);
    expect(site.broker.tasks[2]).toMatchObject({ retried: 0, retryAt: site.clock.wall() + 5_000 });
  });

  test("harms nobody by odd things that are thrown or returned", async () => {
    const site = new Site({ concurrency: 1 });
    const odd: unknown[] = [
      undefined,
      Object.freeze({ a: 1 }),
      new Proxy(new Error("x"), {
        get() {
          throw new Error("do not look");
        },
      }),
      Symbol("s"),
    ];
    const results: unknown[] = [
      {
        // biome-ignore lint/suspicious/noThenProperty: what a handler returns may be anything
        get then() {
          throw new Error("do not look");
        },
      },
      1n,
    ];
    await site.open({
      consume({ id }) {
        const index = Number(id.slice(1));
        if (index < odd.length) throw odd[index];
        return results[index - odd.length];
      },
    });
    site.enqueue(odd.length + results.length + 1, undefined, { retention: 1_000 });
    await site.rest();
    expect(site.states()).toEqual(["retry", "retry", "retry", "retry", "retry", "done", "done"]);
  });

  test("of a type that nobody takes is parked without an attempt, and said once", async () => {
    const site = new Site();
    await site.open({ tasks: { "mail:": () => {} } });
    site.enqueue(2, undefined, { enqueuedAt: site.clock.wall(), type: "constructor" });
    site.enqueue(1, undefined, { type: "mail:welcome" });
    await site.rest();
    expect(site.states()).toEqual(["retry", "retry", "done"]);
    expect(site.broker.tasks[0]).toMatchObject({ retried: 0, retryAt: site.clock.wall() + 60_000 });
    expect(site.records.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  test("that was in three processes that died runs beside others, and none like it beside it", async () => {
    const site = new Site({ concurrency: 8 });
    const desk = new Desk();
    await site.open(desk);
    for (const crashes of [3, 4, 1]) site.broker.enqueue().crashes = crashes;
    site.enqueue(2);
    await site.rest();
    // What kills at once has done so before: nothing of it is here when the process is young.
    expect(desk.begun).toEqual(["t3", "t4", "t2"]);
    expect(site.states()).toEqual(["retry", "retry", "active", "active", "active"]);
    await site.pass(20_000);
    expect(desk.begun).toHaveLength(4);
    const [suspect = ""] = desk.begun.slice(3);
    expect(["t0", "t1"]).toContain(suspect);
    site.enqueue(1);
    await site.pass(60_000);
    expect(desk.begun.slice(4)).toEqual(["t5"]);
    expect(site.states().filter((state) => state === "retry")).toHaveLength(1);
    desk.end(suspect);
    await site.pass(3_000);
    expect(new Set(desk.begun.slice(5))).toEqual(new Set(["t0", "t1"].filter((id) => id !== suspect)));
    expect(site.broker.tasks.every(({ retried }) => retried === 0)).toBe(true);
    const lines = site.records.filter(({ message }) => message.includes("one at a time"));
    expect(lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
    expect(lines[0]?.fields).toMatchObject({ task: suspect });
  });

  test("that ran when a process died is told to begin, and only then does; another that only waited is not", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    for (const crashes of [0, 1, 1, 1]) site.broker.enqueue().crashes = crashes;
    const { promise, resolve } = Promise.withResolvers<void>();
    site.model.hold = promise;
    await site.open(desk);
    expect(desk.begun).toEqual(["t0"]);
    expect(site.model.beginCalls.map((call) => call.map(({ id }) => id))).toEqual([["t1"]]);
    resolve();
    await site.rest();
    expect(desk.begun).toEqual(["t0", "t1"]);
    expect(site.broker.tasks.map(({ begun }) => begun)).toEqual([false, true, false, false]);
  });

  test("cannot be told to begin while the broker is away: it begins when that is there again, or goes back", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    for (const crashes of [0, 1]) site.broker.enqueue().crashes = crashes;
    const { promise, resolve } = Promise.withResolvers<void>();
    site.model.hold = promise;
    const lease = await site.open(desk);
    site.model.isAway = true;
    resolve();
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    site.model.isAway = false;
    await site.pass(5_000);
    expect(desk.begun).toEqual(["t0", "t1"]);
    desk.end("t0");
    desk.end("t1");
    await lease.drain({ final: true });
    expect(site.states()).toEqual(["done", "done"]);
  });

  test("that could not be told to begin is no trouble any more when it has gone back", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    site.broker.enqueue().crashes = 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    site.model.hold = promise;
    const lease = await site.open(desk);
    site.model.isAway = true;
    resolve();
    await site.rest();
    const drained = lease.drain({ final: false });
    await site.rest();
    site.model.isAway = false;
    await site.pass(3_000);
    await drained;
    // Another one has done it.
    for (const task of site.broker.tasks) task.state = "done";
    site.enqueue(1);
    await site.open(desk);
    await site.pass(5_000);
    expect(desk.begun).toEqual(["t1"]);
    expect(site.troubles.at(-1)).toBeUndefined();
  });

  test("that runs only one at a time goes at once when it has run at one death", async () => {
    const site = new Site({ concurrency: 8 });
    const desk = new Desk();
    for (const crashes of [2, 2, 1]) site.broker.enqueue().crashes = crashes;
    await site.open(desk);
    expect(desk.begun).toEqual(["t0", "t2"]);
    desk.end("t0");
    await site.pass(3_000);
    expect(desk.begun).toEqual(["t0", "t2", "t1"]);
  });

  test("that was in three processes that died begins at once where there is nothing else to do", async () => {
    const site = new Site();
    const desk = new Desk();
    for (const crashes of [3, 4]) site.broker.enqueue().crashes = crashes;
    await site.open(desk);
    expect(desk.begun).toEqual(["t0"]);
    desk.end("t0");
    await site.pass(2_000);
    expect(desk.begun).toEqual(["t0", "t1"]);
  });

  test("with which the process may die keeps the order of its key", async () => {
    const site = new Site({ concurrency: 8 });
    const desk = new Desk();
    await site.open(desk);
    for (const crashes of [3, 3, 0]) site.broker.enqueue("a").crashes = crashes;
    site.enqueue(1, "b");
    await site.rest();
    expect(desk.begun).toEqual(["t3"]);
    await site.pass(15_000);
    expect(desk.begun).toEqual(["t3", "t0"]);
    expect(site.states()).toEqual(["active", "held", "held", "active"]);
    desk.end("t0");
    await site.pass(5_000);
    expect(desk.begun).toEqual(["t3", "t0", "t1"]);
    expect(site.states()).toEqual(["done", "active", "active", "active"]);
    desk.end("t1");
    await site.rest();
    expect(desk.begun).toEqual(["t3", "t0", "t1", "t2"]);
  });

  test("with which the process may die does not keep its turn when it is cancelled or times out", async () => {
    const site = new Site({ timeout: 1_000 });
    const desk = new Desk();
    await site.open(desk);
    for (const crashes of [3, 3, 3]) site.broker.enqueue().crashes = crashes;
    await site.pass(3_000);
    expect(desk.begun).toHaveLength(1);
    await site.pass(20_000);
    expect(desk.begun).toHaveLength(1);
    for (const id of desk.begun) desk.end(id);
    await site.pass(3_000);
    const before = desk.begun.length;
    expect(before).toBeGreaterThan(1);
    site.model.subscription?.onCancel(desk.begun.at(-1) as string);
    for (const id of desk.begun) desk.end(id);
    await site.pass(3_000);
    expect(desk.begun.length).toBeGreaterThan(before);
  });

  test("that killed the process five times, or whose deadline has passed, is not begun", async () => {
    const site = new Site();
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(1, undefined, { deadline: site.clock.wall() - 1 });
    await site.rest();
    site.broker.enqueue().crashes = 5;
    site.model.wake();
    await site.rest();
    expect(desk.begun).toEqual([]);
    expect(site.states()).toEqual(["dead", "dead"]);
  });
});

describe("a time-out", () => {
  test("settles the attempt at once, ignores its late end, and keeps its slot until then", async () => {
    const site = new Site({ concurrency: 1, timeout: 1_000 });
    const desk = new Desk();
    let reason: unknown;
    await site.open({
      consume(message) {
        message.signal.addEventListener("abort", () => {
          reason = message.signal.reason;
        });
        return desk.consume(message);
      },
    });
    site.enqueue(2);
    await site.rest();
    await site.pass(1_000);
    expect(reason).toMatchObject({
      name: "TimeoutError",
      message: "The attempt took longer than its time-out of 1s",
    });
    expect(site.broker.tasks[0]).toMatchObject({ state: "retry", retried: 1 });
    expect(desk.begun).toEqual(["t0"]);
    const lines = site.records.length;
    desk.fail("t0", new Error("late"));
    await site.rest();
    expect(desk.begun).toEqual(["t0", "t1"]);
    expect(site.broker.tasks[0]?.state).toBe("retry");
    expect(site.records).toHaveLength(lines);
  });

  test("of a handler that never returns gives its slot back after thirty seconds, and names the task", async () => {
    const site = new Site({ concurrency: 1, timeout: 1_000 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(2);
    await site.rest();
    await site.pass(30_999);
    expect(desk.begun).toEqual(["t0"]);
    await site.pass(1);
    expect(desk.begun).toHaveLength(2);
    const warning = site.records.find(({ message }) => message.startsWith("A handler goes on"));
    expect(warning).toMatchObject({ level: "warn", fields: { task: "t0" } });
  });

  test("that passed while the process stood still names the configured time, and what returns then is done", async () => {
    const site = new Site({ timeout: 300 });
    const errors: unknown[] = [];
    let isFrozen = false;
    await site.open({
      consume(message) {
        if (isFrozen) site.clock.freeze(900);
        else
          return new Promise((resolve) => {
            message.signal.addEventListener("abort", () => resolve(errors.push(message.signal.reason)));
          });
      },
    });
    site.enqueue(1, undefined, { timeout: 400 });
    site.enqueue(1, undefined, { deadline: site.clock.wall() + 200 });
    await site.rest();
    site.clock.freeze(900);
    await site.clock.tick(0);
    await site.rest();
    expect(errors.map((error) => (error as Error).message).sort()).toEqual([
      "The attempt ran into its deadline",
      "The attempt took longer than its time-out of 400ms",
    ]);
    isFrozen = true;
    site.enqueue(1);
    await site.rest();
    expect(site.states()).toEqual(["retry", "dead", "done"]);
  });

  test("cancel ends an attempt for good; one that has not begun is not begun", async () => {
    const site = new Site({ concurrency: 1 });
    const desk = new Desk();
    let aborted = false;
    await site.open({
      consume(message) {
        message.signal.addEventListener("abort", () => {
          aborted = true;
        });
        return desk.consume(message);
      },
    });
    site.enqueue(2);
    await site.rest();
    site.model.subscription?.onCancel("t1");
    site.model.subscription?.onCancel("t0");
    await site.rest();
    expect(aborted).toBe(true);
    expect(site.states()).toEqual(["dead", "dead"]);
    desk.end("t0");
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    expect([...site.broker.settlements.values()]).toEqual([1, 1]);
  });
});

describe("a stop", () => {
  test("quiet gives back what has not begun, and drain waits for the rest: nothing is done twice", async () => {
    const site = new Site({ concurrency: 2 });
    const desk = new Desk();
    const lease = await site.open(desk);
    site.enqueue(6);
    await site.rest();
    site.intake.quiet();
    await site.rest();
    expect(site.states()).toEqual(["active", "active", "pending", "pending", "pending", "pending"]);
    let isDrained = false;
    const draining = lease.drain({ final: true }).then(() => {
      isDrained = true;
    });
    desk.end("t0");
    await site.rest();
    expect(isDrained).toBe(false);
    expect(lease.held()).toMatchObject({ messages: 1 });
    desk.end("t1");
    await draining;
    expect(site.states().slice(0, 2)).toEqual(["done", "done"]);
    expect(site.model.isClosed).toBe(true);
    expect(desk.begun).toEqual(["t0", "t1"]);
    expect(site.clock.pending).toBe(0);
  });

  test("cut aborts the handlers and gives their messages back without an attempt", async () => {
    const site = new Site({ concurrency: 1 });
    const desk = new Desk();
    let reason: Error | undefined;
    const lease = await site.open({
      consume(message) {
        message.signal.addEventListener("abort", () => {
          reason = message.signal.reason;
        });
        return desk.consume(message);
      },
    });
    site.enqueue(1);
    await site.rest();
    const draining = lease.drain({ final: true });
    await site.rest();
    expect(reason).toBeUndefined();
    lease.cut();
    await draining;
    expect(reason?.message).toContain("its time is over");
    expect(site.broker.tasks[0]).toMatchObject({ state: "pending", retried: 0 });
    desk.end("t0");
    await site.rest();
    expect(site.broker.tasks[0]?.state).toBe("pending");
  });

  test("drain without final stops receiving until the next generation opens", async () => {
    const site = new Site();
    const [one, two] = [new Desk(), new Desk()];
    const lease = await site.open(one);
    await lease.drain({ final: false });
    site.enqueue(1);
    await site.rest();
    expect(one.begun).toEqual([]);
    await site.open(two);
    expect(two.begun).toEqual(["t0"]);
    expect(site.model.isClosed).toBe(false);
  });

  test("a new generation takes what comes while the old one ends, and the order of a key holds across", async () => {
    const site = new Site({ concurrency: 4 });
    const [one, two] = [new Desk(), new Desk()];
    const old = await site.open(one);
    site.enqueue(2, "k");
    site.enqueue(1, "other");
    await site.rest();
    expect(one.begun).toEqual(["t0", "t2"]);
    await site.open(two);
    const draining = old.drain({ final: false });
    site.enqueue(1);
    await site.rest();
    expect(two.begun).toEqual(["t3"]);
    one.end("t0");
    await site.rest();
    expect(two.begun).toEqual(["t3", "t1"]);
    one.end("t2");
    await draining;
    expect(one.begun).toEqual(["t0", "t2"]);
  });

  test("pause gives back what has not begun, and resume receives it again", async () => {
    const site = new Site({ concurrency: 1 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(3);
    await site.rest();
    site.intake.pause();
    desk.end("t0");
    await site.rest();
    expect(site.states()).toEqual(["done", "pending", "pending"]);
    site.intake.resume();
    await site.rest();
    expect(desk.begun).toEqual(["t0", "t1"]);
  });
});

describe("order per key", () => {
  test("holds through a pause: nothing is received before what went back is with the broker", async () => {
    const site = new Site({ concurrency: 1 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(3, "k");
    await site.rest();
    const answer = Promise.withResolvers<void>();
    site.model.hold = answer.promise;
    site.intake.pause();
    site.enqueue(1, "k");
    site.intake.resume();
    await site.rest();
    desk.end("t0");
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    answer.resolve();
    site.model.hold = undefined;
    await site.rest();
    for (const id of ["t1", "t2", "t3"]) {
      desk.end(id);
      await site.rest();
    }
    expect(desk.begun).toEqual(["t0", "t1", "t2", "t3"]);
  });

  test("holds through a retry, while other keys go on", async () => {
    const site = new Site({ concurrency: 4 });
    const done: string[] = [];
    let isBroken = true;
    await site.open({
      consume({ id }) {
        if (id === "t0" && isBroken) throw new Error("broken");
        done.push(id);
      },
    });
    site.enqueue(3, "poison");
    site.enqueue(2, "fine");
    await site.rest();
    expect(done).toEqual(["t3", "t4"]);
    expect(site.states()).toEqual(["retry", "held", "held", "done", "done"]);
    isBroken = false;
    await site.pass(2_000);
    expect(done).toEqual(["t3", "t4", "t0", "t1", "t2"]);
    expect(site.intake.stats().blockedKeys).toBe(0);
  });

  test("holds for what was blocked before the process began", async () => {
    const site = new Site();
    const desk = new Desk();
    const [first] = [site.broker.enqueue("k"), site.broker.enqueue("k")];
    first.state = "retry";
    first.retryAt = site.clock.wall() + 500;
    site.broker.blocks.set("k", first.id);
    await site.open(desk);
    expect(desk.begun).toEqual([]);
    await site.pass(500);
    expect(desk.begun).toEqual(["t0"]);
    desk.end("t0");
    await site.rest();
    expect(desk.begun).toEqual(["t0", "t1"]);
  });

  test("the key is read from the payload or from a header", async () => {
    const site = new Site({ concurrency: 4, key: "data.order.items[0].id" });
    const keys: (string | undefined)[] = [];
    await site.open({ consume: (message) => void keys.push(message.key) });
    site.enqueue(1, undefined, { payload: JSON.stringify({ order: { items: [{ id: 7 }] } }) });
    site.enqueue(1, undefined, { payload: "no json" });
    site.enqueue(1, "own", { payload: JSON.stringify({ order: { items: [{ id: 7 }] } }) });
    await site.rest();
    expect(keys).toEqual(["7", undefined, "own"]);
  });
});

describe("a broker that is away", () => {
  test("costs no message that is done: the ack is tried until it is written", async () => {
    const site = new Site();
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(1);
    await site.rest();
    site.model.isAway = true;
    desk.end("t0");
    await site.pass(20_000);
    expect(site.states()).toEqual(["active"]);
    expect(site.troubles).toEqual(["the broker is away"]);
    const calls = site.model.settleCalls.length;
    expect(calls).toBeGreaterThan(4);
    expect(calls).toBeLessThan(40);
    site.model.isAway = false;
    await site.pass(5_000);
    expect(site.states()).toEqual(["done"]);
    expect(site.troubles).toEqual(["the broker is away", undefined]);
  });

  test("does not keep a stop waiting longer than its time: what could not be told is left to the leases", async () => {
    const site = new Site();
    const desk = new Desk();
    const lease = await site.open(desk);
    site.enqueue(1);
    await site.rest();
    site.model.isAway = true;
    desk.end("t0");
    let isDrained = false;
    const draining = lease.drain({ final: true }).then(() => {
      isDrained = true;
    });
    await site.pass(20_000);
    expect(isDrained).toBe(false);
    lease.cut();
    await draining;
    expect(site.clock.pending).toBe(0);
  });

  test("join() waits five seconds for it, then the service counts as started, with a trouble", async () => {
    const site = new Site();
    const there = Promise.withResolvers<void>();
    const { driver } = site.model;
    Object.defineProperty(site.model, "driver", { value: { ...driver, connect: () => there.promise } });
    const desk = new Desk();
    const opening = site.open(desk);
    await site.pass(5_000);
    await opening;
    expect(site.troubles).toEqual([`The broker "main" does not answer`]);
    site.enqueue(1);
    there.resolve();
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    expect(site.troubles.at(-1)).toBeUndefined();
  });
});

describe("leases", () => {
  test("are renewed until the last handler has ended, also during a drain", async () => {
    const site = new Site({ lease: 3_000 });
    const desk = new Desk();
    const lease = await site.open(desk);
    site.enqueue(1);
    await site.rest();
    const draining = lease.drain({ final: true });
    await site.pass(10_000);
    expect(site.model.extended).toBe(10);
    desk.end("t0");
    await draining;
    expect(site.clock.pending).toBe(0);
  });

  test("one that is lost aborts its handler and settles nothing", async () => {
    const site = new Site({ lease: 3_000, concurrency: 1 });
    const desk = new Desk();
    let reason: Error | undefined;
    await site.open({
      consume(message) {
        message.signal.addEventListener("abort", () => {
          reason = message.signal.reason;
        });
        return desk.consume(message);
      },
    });
    site.enqueue(1);
    await site.rest();
    const [delivery] = site.broker.tasks.map(({ lease }) => lease);
    if (delivery) site.broker.expire(delivery);
    const [task] = site.broker.tasks;
    if (task) task.state = "held";
    await site.pass(1_000);
    expect(reason?.message).toContain("lease");
    desk.end("t0");
    await site.rest();
    expect(site.broker.settlements.size).toBe(0);
    expect(site.intake.stats().lost).toBe(1);
  });

  test("what waited here while leases ran out begins when the broker confirms that it is still ours", async () => {
    const site = new Site({ lease: 3_000, concurrency: 1 });
    const desk = new Desk();
    await site.open(desk);
    site.enqueue(3);
    await site.rest();
    site.model.isAway = true;
    await site.pass(4_000);
    desk.end("t0");
    await site.rest();
    expect(desk.begun).toEqual(["t0"]);
    // Meanwhile somebody else got one of them.
    const second = site.broker.tasks[1];
    if (second?.lease) site.broker.expire(second.lease);
    if (second) second.state = "held";
    site.model.isAway = false;
    await site.pass(5_000);
    expect(desk.begun).toEqual(["t0", "t2"]);
    expect(site.states()).toEqual(["done", "held", "active"]);
  });
});
