import { expect, test } from "bun:test";
import type { ConsumerStats } from "../../src/core/consumer-stats.ts";
import { sumOf } from "../../src/host/consumer-sum.ts";

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
  expect(sumOf([stats(1), stats(2), stats(4)])).toEqual({ ...stats(7), lag: 4 });
  expect(sumOf([stats(3)])).toEqual(stats(3));
});
