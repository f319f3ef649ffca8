import { describe, expect, test } from "bun:test";
import { chainHeader, firstOfChain, nextOfChain } from "../../src/queue/chain.ts";
import type { Delivery, NewTask } from "../../src/queue/driver.ts";
import { mostPayloadBytes } from "../../src/queue/producer-payload.ts";
import type { TaskRequest } from "../../src/service/message.ts";

const now = 1_700_000_000_000;

function deliveryOf(task: Pick<NewTask, "id" | "headers">): Delivery {
  return {
    queue: "default",
    type: "a",
    payload: "",
    enqueuedAt: now,
    dueAt: now,
    retried: 0,
    maxRetry: 25,
    crashes: 0,
    timeout: 0,
    deadline: 0,
    retention: 0,
    ...task,
    headers: task.headers ?? {},
  };
}

function begin(steps: readonly TaskRequest[], headers: Record<string, string> = {}): Delivery {
  const { request, header } = firstOfChain(steps, () => "new", now);
  return deliveryOf({
    id: request.id ?? "",
    headers: header ? { ...headers, [chainHeader]: header } : headers,
  });
}

describe("nextOfChain()", () => {
  test("hands the result on, step by step, until the last", () => {
    const steps = [{ type: "a" }, { type: "b", payload: [1] }, { type: "c", queue: "low", maxRetry: 2 }];
    const second = nextOfChain(begin(steps), '{"n":1}', now);
    expect(second).toMatchObject({
      id: "new:2",
      type: "b",
      queue: "default",
      payload: '{"input":[1],"previous":{"n":1}}',
    });
    const third = nextOfChain(deliveryOf(second as NewTask), new TextEncoder().encode('"text"'), now);
    expect(third).toEqual({
      id: "new:3",
      type: "c",
      queue: "low",
      payload: '{"previous":"text"}',
      headers: { "supervisor-chain-run": "new" },
      maxRetry: 2,
      timeout: 0,
      deadline: 0,
      retention: 0,
    });
    expect(nextOfChain(deliveryOf(third as NewTask), undefined, now)).toBeUndefined();
  });

  test("makes the same id each time: what is done twice is followed once", () => {
    const delivery = begin([{ type: "a", id: "order-1" }, { type: "b" }]);
    expect(nextOfChain(delivery, "1", now)?.id).toBe("order-1:2");
    expect(nextOfChain(delivery, "2", now + 5)?.id).toBe("order-1:2");
  });

  test("makes steps that tell the run of their chain, also the last: the same id may be used again", () => {
    const runs = ["one", "two"].map((run) => {
      const steps = [{ type: "a", id: "order-1" }, { type: "b" }, { type: "c" }];
      const { header } = firstOfChain(steps, () => run, now);
      const second = nextOfChain(
        deliveryOf({ id: "order-1", headers: { [chainHeader]: header as string } }),
        "1",
        now,
      );
      return nextOfChain(deliveryOf(second as NewTask), "1", now)?.headers;
    });
    expect(runs).toEqual([{ "supervisor-chain-run": "one" }, { "supervisor-chain-run": "two" }]);
    const old = { [chainHeader]: JSON.stringify({ id: "x", next: 2, steps: [{ type: "b" }] }) };
    expect(nextOfChain(deliveryOf({ id: "x", headers: old }), "1", now)?.headers).toEqual({});
  });

  test("counts a delay from the end of the step before, and keeps headers and the trace", () => {
    const delivery = begin([{ type: "a" }, { type: "b", delay: "5s", headers: { tenant: "t" } }], {
      traceparent: "00-1-2-01",
    });
    expect(nextOfChain(delivery, undefined, now + 60_000)).toMatchObject({
      runAt: now + 65_000,
      headers: { traceparent: "00-1-2-01", tenant: "t", "supervisor-chain-run": "new" },
    });
  });

  test("takes results that are no JSON as text, or as base64", () => {
    const delivery = begin([{ type: "a" }, { type: "b" }]);
    expect(nextOfChain(delivery, "plain", now)?.payload).toBe('{"previous":"plain"}');
    expect(nextOfChain(delivery, new Uint8Array([0xff]), now)?.payload).toBe('{"previous":"/w=="}');
    expect(nextOfChain(delivery, undefined, now)?.payload).toBe("{}");
  });

  test("is nothing for a task outside of chains", () => {
    expect(nextOfChain(deliveryOf({ id: "x", headers: {} }), "1", now)).toBeUndefined();
  });

  test("throws a PermanentError for a header that is no chain, and for a result that is too large", () => {
    for (const text of ["{", "{}", "null", '{"id":"x","next":2,"steps":[]}']) {
      const delivery = deliveryOf({ id: "x", headers: { [chainHeader]: text } });
      expect(() => nextOfChain(delivery, "1", now)).toThrow(
        expect.objectContaining({ name: "PermanentError" }),
      );
    }
    const delivery = begin([{ type: "a" }, { type: "b" }]);
    const large = JSON.stringify("x".repeat(mostPayloadBytes));
    expect(() => nextOfChain(delivery, large, now)).toThrow(
      expect.objectContaining({ name: "PermanentError" }),
    );
  });
});

describe("firstOfChain()", () => {
  const wrong: [readonly TaskRequest[], RegExp][] = [
    [[], /it has no steps/],
    [[{ type: "a", group: "g" }], /step 1 of a chain cannot have group/],
    [[{ type: "a" }, { type: "b", unique: "1m" }], /step 2 of a chain cannot have unique/],
    [[{ type: "a" }, { type: "b", id: "x" }], /step 2 of a chain cannot have id/],
    [[{ type: "a" }, { type: "b", delay: "soon" }], /"b": delay cannot be "soon"/],
    [[{ type: "a" }, { type: "b", payload: 1n }], /"b": its payload is no JSON/],
    [[{ type: "a" }, { type: "b", payload: new Uint8Array(1) }], /payload of step 2 of a chain must be JSON/],
    [[{ type: "a" }, { type: "b", payload: "x".repeat(70_000) }], /later steps of its chain have \d+ bytes/],
  ];
  for (const [steps, message] of wrong) {
    test(`refuses what is wrong in any step: ${message.source}`, () => {
      const begun = () => firstOfChain(steps, () => "new", now);
      expect(begun).toThrow(expect.objectContaining({ code: "TASK_INVALID" }));
      expect(begun).toThrow(message);
    });
  }
});
