import { expect, test } from "bun:test";
import { createCommander } from "../src/commander.ts";
import type { StepResult, Verb } from "../src/core/command.ts";
import { SupervisorError } from "../src/core/errors.ts";

function setUp(outcome: StepResult["outcome"] = "done") {
  const performed: [Verb, readonly string[]][] = [];
  const execute = createCommander({
    group: {
      async perform(verb, names) {
        performed.push([verb, names]);
        return names.map((subject) => ({ subject, action: "start", outcome, durationMs: 1 }));
      },
      stop: () => Promise.reject(new Error("not asked for")),
    },
    names: () => ["api", "mail", "payments"],
    inject: () => Promise.reject(new SupervisorError("TOO_LARGE", "too much", "Ask for less.")),
  });
  return { execute, performed };
}

test("createCommander() resolves globs, each service once and in the order of the file", async () => {
  const { execute, performed } = setUp();
  const result = await execute({ tag: "start", services: ["pay*", "?ail", "payments"] });
  expect(performed).toEqual([["start", ["mail", "payments"]]]);
  expect(result.outcome).toBe("done");
});

test("createCommander() does nothing by halves when one name does not exist", async () => {
  const { execute, performed } = setUp();
  const result = await execute({ tag: "stop", services: ["api", "paymens"] });
  expect(performed).toEqual([]);
  expect(result.problems).toEqual([
    {
      code: "UNKNOWN_SERVICE",
      message: expect.stringContaining("paymens"),
      hint: 'Did you mean "payments"?',
    },
  ]);
});

test("createCommander() fails when a step fails, and never rejects", async () => {
  expect((await setUp("failed").execute({ tag: "restart", services: ["api"] })).outcome).toBe("failed");
  const { execute } = setUp();
  expect((await execute({ tag: "shutdown" })).problems?.[0]?.code).toBe("INTERNAL");
  expect((await execute({ tag: "reload", dryRun: true })).problems?.[0]?.code).toBe("UNSUPPORTED");
  const request = { method: "GET", path: "/", headers: [] };
  const injected = await execute({ tag: "inject", service: "api", request });
  expect(injected.problems?.[0]?.code).toBe("TOO_LARGE");
});
