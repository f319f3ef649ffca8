import { describe, expect, test } from "bun:test";
import { defaultRestart } from "../../src/core/defaults.ts";
import type { RestartPlan } from "../../src/core/plan.ts";
import type { RestartHistory, Verdict } from "../../src/group/restart.ts";
import {
  afterCompletion,
  afterFailure,
  afterReady,
  afterStable,
  backoffCap,
  noFailures,
} from "../../src/group/restart.ts";

const plan: RestartPlan = {
  policy: "on-failure",
  limit: 3,
  within: 60_000,
  backoff: { min: 100, max: 1_000, factor: 2 },
  stable: 10_000,
};

/** Fails once at each of `times`; returns the last verdict. */
function fail(times: number[], facts: { critical?: boolean; random?: number } = {}, from = noFailures) {
  let history: RestartHistory = from;
  let verdict: Verdict = { tag: "giveUp" };
  for (const now of times) {
    const all = { now, permanent: false, critical: facts.critical ?? true, random: facts.random ?? 0.5 };
    ({ history, verdict } = afterFailure(plan, history, all));
  }
  return { history, verdict };
}

describe("afterFailure()", () => {
  test("retries up to the limit, then gives a critical service up", () => {
    expect(fail([0, 1, 2]).verdict.tag).toBe("retry");
    expect(fail([0, 1, 2, 3]).verdict).toEqual({ tag: "giveUp" });
  });

  test("quarantines a service that is not critical, ever longer, up to ten times the longest backoff", () => {
    const delays: number[] = [];
    let history = fail([0, 1, 2]).history;
    for (let now = 3; now < 9; now++) {
      const result = fail([now], { critical: false }, history);
      history = result.history;
      if (result.verdict.tag === "quarantine") delays.push(result.verdict.delay);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test("stays in quarantine after a failed probe even when the window has emptied", () => {
    const { history } = fail([0, 1, 2, 3], { critical: false });
    expect(fail([1_000_000], { critical: false }, history).verdict.tag).toBe("quarantine");
  });

  test("counts only failures inside the window, of a service that was ready between", () => {
    const failReady = (times: number[]) =>
      times.reduce((last, now) => fail([now], {}, afterReady(last.history)), fail([]));
    expect(failReady([0, 30_000, 61_000, 90_001]).verdict.tag).toBe("retry");
    expect(failReady([0, 30_000, 59_000, 59_999]).verdict.tag).toBe("giveUp");
  });

  test("counts every failure since the service was last ready: one that hangs in its start fails seldom", () => {
    expect(fail([0, 40_000, 80_000]).verdict.tag).toBe("retry");
    expect(fail([0, 40_000, 80_000, 120_000]).verdict.tag).toBe("giveUp");
    expect(fail([0, 40_000, 80_000, 120_000], { critical: false }).verdict.tag).toBe("quarantine");
    const ready = afterReady(fail([0, 40_000, 80_000]).history);
    expect(fail([120_000, 160_000, 200_000], {}, ready).verdict.tag).toBe("retry");
  });

  test("gives up at once on a permanent error and on policy never", () => {
    const facts = { now: 0, permanent: true, critical: false, random: 0 };
    expect(afterFailure(plan, noFailures, facts).verdict).toEqual({ tag: "giveUp" });
    const never = { ...plan, policy: "never" } as const;
    expect(afterFailure(never, noFailures, { ...facts, permanent: false }).verdict).toEqual({
      tag: "giveUp",
    });
  });

  test("backs off exponentially with full jitter above an eighth of the cap", () => {
    expect(fail([0], { random: 0 }).verdict).toEqual({ tag: "retry", delay: 13 });
    expect(fail([0], { random: 0.999999 }).verdict).toEqual({ tag: "retry", delay: 100 });
    expect(fail([0, 1, 2], { random: 0.999999 }).verdict).toEqual({ tag: "retry", delay: 400 });
  });
});

test("backoffCap() doubles and stops at max", () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffCap(plan, attempt))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
});

test("afterStable() forgets the backoff but not the window: living a little is no way around the limit", () => {
  const stable = afterStable(fail([0, 1, 2]).history);
  expect(stable).toEqual({ failures: [0, 1, 2], attempt: 0, unready: 0, quarantines: 0 });
  expect(fail([3], {}, stable).verdict.tag).toBe("giveUp");
});

test("the default policy gives up on a service that lives one second each time", () => {
  let history = noFailures;
  let starts = 1;
  for (let now = 1_000; starts < 100; starts++) {
    const facts = { now, permanent: false, critical: true, random: 1 };
    const result = afterFailure(defaultRestart, history, facts);
    if (result.verdict.tag !== "retry") break;
    history = result.history;
    now += result.verdict.delay + 1_000;
  }
  expect(starts).toBe(6);
});

test("afterCompletion() starts again only with policy always", () => {
  expect(afterCompletion(plan)).toEqual({ tag: "giveUp" });
  expect(afterCompletion({ ...plan, policy: "always" })).toEqual({ tag: "retry", delay: 100 });
});
