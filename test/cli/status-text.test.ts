import { expect, test } from "bun:test";
import { statusText } from "../../src/cli/status-text.ts";
import type { Status } from "../../src/control/status.ts";

const status: Status = {
  apiVersion: "v1",
  name: "shop",
  pid: 7,
  runtime: "bun 1",
  file: "services.yaml",
  startedAt: 0,
  uptimeMs: 20_000,
  rssBytes: 0,
  state: "running",
  services: [],
};
const problem = {
  code: "MODULE_SYNTAX",
  message: "b.ts:1:25 Expected }\n    1 | x",
  hint: "Correct it.",
} as const;
const told = (reload: NonNullable<Status["reload"]>) =>
  statusText({ ...status, reload }, { wide: false, color: false, now: 20_000 }).split("\n")[1];

test("statusText() says in one line how long ago the last reload failed, and why", () => {
  expect(told({ at: 8_000, outcome: "failed", problems: [problem] })).toBe(
    "last reload failed 12s ago: MODULE_SYNTAX b.ts:1:25 Expected }",
  );
  expect(told({ at: 8_000, outcome: "failed", problems: [problem, problem, problem] })).toBe(
    "last reload failed 12s ago: MODULE_SYNTAX b.ts:1:25 Expected } (and 2 more)",
  );
  expect(told({ at: 8_000, outcome: "failed" })).toBe(
    "last reload failed 12s ago: not every step could be done",
  );
});

test("statusText() is silent about a reload that went well", () => {
  expect(told({ at: 8_000, outcome: "done" })).toBe("");
});

test("statusText() tells in its wide form what consumers and schedules do", () => {
  const none = { counts: [], sum: 0 };
  const consumer = {
    received: 9,
    done: 5,
    failed: 1,
    dead: 0,
    released: 0,
    lost: 0,
    active: 2,
    buffered: 3,
    blockedKeys: 0,
    lag: 0,
    latency: none,
    duration: none,
  };
  const schedule = { running: 1, done: 1, failed: 0, skipped: 0, next: 32_000 };
  const service = { state: "ready", generation: 1, critical: true, since: 0, failures: 0, urls: [] } as const;
  const services = [
    { ...service, name: "both", consumer, schedule },
    { ...service, name: "idle", consumer: { ...consumer, done: 0, active: 0, buffered: 0 } },
    { ...service, name: "sums", consumer: { ...consumer, groups: { failed: 9, failing: 1 } } },
    { ...service, name: "well", consumer: { ...consumer, groups: { failed: 9, failing: 0 } } },
    { ...service, name: "api" },
  ];
  const lines = statusText({ ...status, services }, { wide: true, color: false, now: 20_000 }).split("\n");
  expect(lines.find((line) => line.startsWith("both"))).toContain(
    "5 done, 2 active, 3 here; runs now, next in 12s",
  );
  expect(lines.find((line) => line.startsWith("idle"))).toEndWith("0 done");
  expect(lines.find((line) => line.startsWith("sums"))).toContain("5 done, 1 group fails, 2 active, 3 here");
  expect(lines.find((line) => line.startsWith("well"))).toContain("5 done, 2 active, 3 here");
  expect(lines.find((line) => line.startsWith("api"))).toEndWith("-");
});
