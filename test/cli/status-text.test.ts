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
