import { expect, test } from "bun:test";
import type { ConsumerStats } from "../../src/core/consumer-stats.ts";
import { atRest, sumOf } from "../../src/host/work-sum.ts";

const stats = (n: number): ConsumerStats => ({
  received: n,
  done: n,
  failed: n,
  dead: n,
  released: n,
  lost: n,
  active: n,
  buffered: n,
  blockedKeys: n,
  lag: n,
  latency: { counts: [n, 0], sum: n },
  duration: { counts: [0, n], sum: n },
});

test("sumOf() adds up what threads have done, and lags as the one that lags most", () => {
  const all = [1, 2, 4].map((n) => ({ consumer: stats(n) }));
  expect(sumOf(all)).toEqual({ consumer: { ...stats(7), lag: 4 } });
  expect(sumOf([{ consumer: stats(3) }])).toEqual({ consumer: stats(3) });
  expect(sumOf([])).toEqual({});
});

test("sumOf() adds up groups that failed, and has the newest of their errors", () => {
  const groups = (failing: number, at: number) => ({
    failed: 3,
    failing,
    lastError: { queue: "q", group: "g", error: `at ${at}`, at },
  });
  const all = [{ ...stats(1), groups: groups(1, 20) }, stats(2), { ...stats(4), groups: groups(0, 10) }];
  expect(sumOf(all.map((consumer) => ({ consumer }))).consumer?.groups).toEqual({
    ...groups(1, 20),
    failed: 6,
  });
  const one = [stats(1), { ...stats(1), groups: { failed: 0, failing: 0 } }];
  expect(sumOf(one.map((consumer) => ({ consumer }))).consumer?.groups).toEqual({ failed: 0, failing: 0 });
});

test("sumOf() has the next time of the thread that keeps the schedule, and the runs of one that it has replaced", () => {
  const before = { running: 1, done: 5, failed: 2, skipped: 3, next: 50 };
  const now = { running: 0, done: 1, failed: 1, skipped: 0, next: 70 };
  expect(sumOf([{ consumer: stats(1) }, { schedule: now }, { schedule: before }])).toEqual({
    consumer: stats(1),
    schedule: { running: 1, done: 6, failed: 3, skipped: 3, next: 70 },
  });
});

test("atRest() keeps what was done, and nothing of what was going on", () => {
  const groups = { failed: 3, failing: 2 };
  const schedule = { running: 1, done: 5, failed: 2, skipped: 3, next: 50 };
  expect(atRest({ consumer: { ...stats(4), groups }, schedule })).toEqual({
    consumer: {
      ...stats(4),
      active: 0,
      buffered: 0,
      blockedKeys: 0,
      lag: 0,
      groups: { failed: 3, failing: 0 },
    },
    schedule: { running: 0, done: 5, failed: 2, skipped: 3 },
  });
  expect(atRest({})).toEqual({});
});
