import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PermanentError } from "../../src/core/errors.ts";
import { retryDelay } from "../../src/core/retry-delay.ts";
import type { Delivery } from "../../src/queue/driver.ts";
import {
  afterFailure,
  beforeAttempt,
  isPermanentFailure,
  isSuspect,
  park,
  textOf,
} from "../../src/queue/retry.ts";
import { plan } from "./setup.ts";

const delivery: Delivery = {
  id: "t",
  queue: "q",
  type: "mail",
  payload: "",
  headers: {},
  enqueuedAt: 0,
  dueAt: 0,
  retried: 0,
  maxRetry: 3,
  crashes: 0,
  timeout: 0,
  deadline: 0,
  retention: 0,
};
const facts = { now: 1_000, random: 0.5 };
const failure = { error: "no" };

describe("afterFailure()", () => {
  test("waits somewhere between half of min and a bound that grows up to max", () => {
    fc.assert(
      fc.property(fc.nat({ max: 24 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (retried, random) => {
        const decision = afterFailure({ ...delivery, retried, maxRetry: 25 }, plan.retry, failure, {
          now: 0,
          random,
        });
        const bound = Math.min(600_000, 1_000 * 2 ** retried);
        expect(decision.tag).toBe("retry");
        if (decision.tag !== "retry") return;
        expect(decision.at).toBeGreaterThanOrEqual(500);
        expect(decision.at).toBeLessThanOrEqual(bound);
      }),
    );
  });

  test("archives after maxRetry retries as asynq does, or after the consumer's `attempts` where those are fewer", () => {
    const tags = (maxRetry: number, retried: number, retry = plan.retry) =>
      afterFailure({ ...delivery, maxRetry, retried }, retry, failure, facts).tag;
    expect([tags(0, 0), tags(1, 0), tags(1, 1)]).toEqual(["dead", "retry", "dead"]);
    const twice = { ...plan.retry, attempts: 2 };
    expect([tags(25, 0, twice), tags(25, 1, twice), tags(0, 0, twice)]).toEqual(["retry", "dead", "dead"]);
  });

  test("what does not count never archives; what is permanent, or past its deadline, does at once", () => {
    const last = { ...delivery, retried: 3 };
    expect(afterFailure(last, plan.retry, { ...failure, counts: false }, facts).tag).toBe("retry");
    expect(afterFailure(delivery, plan.retry, { ...failure, isPermanent: true }, facts).tag).toBe("dead");
    expect(afterFailure({ ...delivery, deadline: 1_000 }, plan.retry, failure, facts).tag).toBe("dead");
    expect(afterFailure({ ...delivery, deadline: 1_001 }, plan.retry, failure, facts).tag).toBe("retry");
  });

  test("keeps the beginning of a long error", () => {
    const decision = afterFailure(delivery, plan.retry, { error: "x".repeat(10_000) }, facts);
    expect(decision.tag === "retry" && decision.error.length).toBe(2_000);
  });
});

test("beforeAttempt() refuses what killed the process five times, and what is past its deadline", () => {
  expect(beforeAttempt({ ...delivery, crashes: 4 }, 0)).toBeUndefined();
  expect(beforeAttempt({ ...delivery, crashes: 5 }, 0)).toEqual({
    tag: "dead",
    error: "the process died 5 times while it was handled",
  });
  expect(beforeAttempt({ ...delivery, deadline: 10 }, 9)).toBeUndefined();
  expect(beforeAttempt({ ...delivery, deadline: 10 }, 10)?.tag).toBe("dead");
});

test("isSuspect() is what has run at a death, and not what is archived anyway", () => {
  expect([1, 2, 3, 4, 5].map((crashes) => isSuspect({ ...delivery, crashes }))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});

test("park() puts off ever longer, up to an hour, and counts no attempt", () => {
  const minutes = [0, 1, 6, 21, 600].map((waited) => {
    const decision = park(delivery, waited * 60_000);
    return decision.tag === "retry" && !decision.counts
      ? (decision.at - waited * 60_000) / 60_000
      : undefined;
  });
  expect(minutes).toEqual([1, 5, 15, 60, 60]);
});

test("isPermanentFailure() goes by the name, and textOf() survives whatever was thrown", () => {
  const hostile = new Proxy(new Error("x"), {
    get() {
      throw new Error("do not look");
    },
  });
  class Copy extends Error {
    override readonly name = "PermanentError";
  }
  expect(
    [new PermanentError("x"), new Copy("x"), new Error("x"), hostile, undefined].map(isPermanentFailure),
  ).toEqual([true, true, false, false, false]);
  for (const thrown of [hostile, undefined, null, Symbol("s"), Object.create(null), 1n]) {
    expect(textOf(thrown)).toBeString();
  }
});

test("retryDelay() grows from a tenth of a second to the longest, never to nothing", () => {
  expect([1, 2, 3, 50].map((failures) => retryDelay(failures, 0.999, 1_000))).toEqual([100, 200, 400, 1_000]);
  expect(retryDelay(1, 0)).toBe(50);
});
