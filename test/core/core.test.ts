import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { afterBy, longestTimer, sleep } from "../../src/core/clock.ts";
import { within } from "../../src/core/deadline.ts";
import { formatDuration, parseDuration } from "../../src/core/duration.ts";
import { isPermanent, PermanentError, SupervisorError } from "../../src/core/errors.ts";
import type { SupervisorEvent } from "../../src/core/events.ts";
import { createEvents } from "../../src/core/events.ts";
import type { LadderService } from "../../src/core/ladder.ts";
import { closingTime, stopLadder } from "../../src/core/ladder.ts";
import { startOrder } from "../../src/core/order.ts";
import { describeHeld } from "../../src/core/report.ts";
import { parseSize } from "../../src/core/size.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("parseDuration()", () => {
  test.each([
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["1.5s", 1_500],
    ["1h30m", 5_400_000],
    ["2m3s4ms", 123_004],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "5", "s", "1 s", "-1s", "1d", "1s!", "1.s", "s1"])("%p is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  test("reads back what formatDuration() writes, to the precision people read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500_000_000 }), (ms) => {
        const back = parseDuration(formatDuration(ms)) as number;
        expect(Math.abs(back - ms)).toBeLessThanOrEqual(ms < 1_000 ? 0 : ms < 60_000 ? 50 : 500);
      }),
    );
  });
});

test.each([
  [950, "950ms"],
  [1_000, "1s"],
  [1_234, "1.2s"],
  [59_990, "1m"],
  [90_000, "1m30s"],
  [119_800, "2m"],
  [3_600_000, "1h"],
  [0, "0ms"],
])("formatDuration(%d) is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

test.each([
  ["512", 512],
  ["1KiB", 1_024],
  ["1.5MB", 1_500_000],
  ["16MiB", 16_777_216],
  ["1 MiB", undefined],
  ["-1", undefined],
  ["x", undefined],
])("parseSize(%p) is %p", (text, bytes) => expect(parseSize(text)).toBe(bytes as number));

describe("within()", () => {
  test("gives the value, the error, or late; and leaves no timer", async () => {
    const clock = new FakeClock();
    expect(await within(clock, clock.now() + 10, Promise.resolve(1))).toEqual({ tag: "done", value: 1 });
    expect(await within(clock, clock.now() + 10, Promise.reject("no"))).toEqual({
      tag: "failed",
      error: "no",
    });
    expect(clock.pending).toBe(0);
    const late = within(clock, clock.now() + 10, new Promise(() => {}));
    await clock.tick(10);
    expect(await late).toEqual({ tag: "late" });
  });
});

test("sleep() ends early when its signal aborts, and leaves no timer", async () => {
  const clock = new FakeClock();
  const aborter = new AbortController();
  const asleep = sleep(clock, 1_000, aborter.signal);
  aborter.abort();
  await asleep;
  expect(clock.pending).toBe(0);
  await sleep(clock, 1_000, aborter.signal);
});

test("isPermanent() knows the class by its name, and errors that only a change can mend", () => {
  expect(isPermanent(new PermanentError("x"))).toBe(true);
  expect(isPermanent(Object.assign(new Error("x"), { name: "PermanentError" }))).toBe(true);
  expect(isPermanent(new SupervisorError("NOT_A_SERVICE", "x", "y"))).toBe(true);
  expect(isPermanent(new SupervisorError("START_TIMEOUT", "x", "y"))).toBe(false);
  expect(isPermanent(new Error("x"))).toBe(false);
  expect(isPermanent("PermanentError")).toBe(false);
});

test("events: a listener that throws harms nobody", () => {
  const events = createEvents();
  const seen: SupervisorEvent[] = [];
  events.on(() => {
    throw new Error("bad listener");
  });
  const off = events.on((event) => seen.push(event));
  events.emit({ type: "groupStarting", services: 1 });
  off();
  events.emit({ type: "groupStarting", services: 2 });
  expect(seen).toEqual([{ type: "groupStarting", services: 1 }]);
});

test("describeHeld() counts and names", () => {
  expect(describeHeld({ requests: 2, streams: 0, websockets: 1, hooks: ["stop"] })).toBe(
    "2 requests, 1 websocket, stop()",
  );
});

const ladderService = (name: string, stopTimeout?: number, needs: string[] = []): LadderService => ({
  name,
  dependsOn: Object.fromEntries(needs.map((need) => [need, "ready" as const])),
  ...(stopTimeout === undefined ? {} : { stopTimeout }),
});

test("startOrder() puts dependencies first and keeps the given order otherwise", () => {
  const services = [
    ladderService("api", 1, ["db", "log"]),
    ladderService("db"),
    ladderService("x"),
    ladderService("log", 1, ["db"]),
  ];
  expect(startOrder(services).map(({ name }) => name)).toEqual(["db", "x", "log", "api"]);
});

describe("stopLadder()", () => {
  const budget = { timeout: 30_000, delay: 0, order: "reverse" } as const;

  test("keeps explicit deadlines and shares the rest", () => {
    const { rungs, excess } = stopLadder(
      [ladderService("a"), ladderService("b", 20_000), ladderService("c")],
      budget,
    );
    expect(excess).toBe(0);
    expect(rungs.map(({ service, guaranteed }) => [service, guaranteed])).toEqual([
      ["c", 4_750],
      ["b", 20_000],
      ["a", 4_750],
    ]);
    expect(rungs.map(({ latestEnd }) => latestEnd)).toEqual([4_750, 24_750, 29_500]);
  });

  test("tells by how much explicit deadlines exceed the budget", () => {
    const services = [ladderService("a", 20_000), ladderService("b", 15_000)];
    expect(stopLadder(services, budget).excess).toBe(5_500);
    expect(stopLadder(services, { ...budget, order: "graph" }).excess).toBe(0);
    const chain = [ladderService("a", 20_000), ladderService("b", 15_000, ["a"])];
    expect(stopLadder(chain, { ...budget, order: "graph" }).excess).toBe(5_500);
  });

  test("for any services: every guarantee fits before the end, one after the other", () => {
    const arbitrary = fc.array(
      fc.record({ stop: fc.option(fc.integer({ min: 1, max: 400 })), needs: fc.array(fc.nat(20)) }),
      {
        minLength: 1,
        maxLength: 15,
      },
    );
    fc.assert(
      fc.property(arbitrary, fc.constantFrom("reverse", "graph"), fc.nat(1_000), (specs, order, delay) => {
        const services = specs.map(({ stop, needs }, index) =>
          ladderService(
            `s${index}`,
            stop ?? undefined,
            needs.filter((need) => need < index).map((need) => `s${need}`),
          ),
        );
        const shutdown = { timeout: 10_000, delay, order } as const;
        const { rungs, excess } = stopLadder(services, shutdown);
        expect(excess).toBe(0);
        const byName = new Map(rungs.map((rung) => [rung.service, rung]));
        for (const rung of rungs) {
          const begins = Math.max(delay, ...rung.after.map((name) => byName.get(name)?.latestEnd ?? 0));
          expect(begins + rung.guaranteed).toBeLessThanOrEqual(rung.latestEnd + 1);
          expect(rung.latestEnd).toBeLessThanOrEqual(10_000 - closingTime(10_000));
          expect(rung.guaranteed).toBeGreaterThan(0);
        }
      }),
    );
  });
});

test("afterBy() takes several timers for a delay that is too long for one, and cancels the one that runs", () => {
  const timers: { callback: () => void; delay: number; cleared: boolean }[] = [];
  const after = afterBy({
    setTimeout(callback, delay) {
      timers.push({ callback, delay, cleared: false });
      return timers.length - 1;
    },
    clearTimeout(index: number) {
      Object.assign(timers[index] as object, { cleared: true });
    },
  });
  let fired = 0;
  const cancel = after(2 * longestTimer + 5, () => fired++);
  timers[0]?.callback();
  timers[1]?.callback();
  expect(timers.map(({ delay }) => delay)).toEqual([longestTimer, longestTimer, 5]);
  expect(fired).toBe(0);
  timers[2]?.callback();
  expect(fired).toBe(1);
  cancel();
  expect(timers.map(({ cleared }) => cleared)).toEqual([false, false, true]);
});
