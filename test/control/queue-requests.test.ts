import { describe, expect, test } from "bun:test";
import { ApiError } from "../../src/control/api-error.ts";
import { queueCallOf } from "../../src/control/queue-call.ts";
import type { QueueOperation } from "../../src/control/queue-requests.ts";
import { queueCommandOf } from "../../src/control/queue-requests.ts";
import { findRoute } from "../../src/control/routes.ts";
import type { QueueCommand } from "../../src/core/queue-command.ts";

const now = Date.parse("2026-11-21T12:00:00Z");

/** What the API makes of a request. */
function read(method: string, path: string, body: Readonly<Record<string, unknown>> = {}): QueueCommand {
  const url = new URL(path, "http://x");
  const match = findRoute(method, url.pathname);
  if ("allowed" in match) throw new Error(`no route for ${method} ${path}`);
  return queueCommandOf(match.operation as QueueOperation, { url, parameters: match.parameters, body, now });
}

describe("queueCallOf() is what queueCommandOf() reads again:", () => {
  const filter = { state: "retry", type: "mail:*", since: now - 5, error: "no & yes" } as const;
  const commands: readonly QueueCommand[] = [
    { tag: "brokers" },
    { tag: "queues", broker: "other" },
    { tag: "queue", queue: "a:b.c" },
    { tag: "history", queue: "q", days: 3 },
    { tag: "pause", queue: "q", broker: "other" },
    { tag: "resume", queue: "q" },
    { tag: "drain", queue: "q", dryRun: true },
    { tag: "drain", queue: "q", dryRun: false },
    { tag: "tasks", filter: {}, limit: 10 },
    { tag: "tasks", queue: "q", filter: { ...filter, ids: ["1", "2"] }, limit: 10, after: "q/5/6" },
    { tag: "task", id: "with/slash and ü" },
    { tag: "task", id: "x", queue: "q" },
    { tag: "enqueue", task: { type: "a", payload: { b: [1] }, delay: "5s" } },
    { tag: "act", action: "run", filter: {}, dryRun: false },
    { tag: "act", action: "retry", queue: "q", filter, dryRun: true },
    { tag: "act", action: "archive", filter: { ids: ["1"] }, dryRun: false },
    { tag: "act", action: "delete", filter, dryRun: false },
    { tag: "act", action: "cancel", filter, dryRun: false },
    { tag: "schedules" },
    { tag: "runs", entry: "report", limit: 7 },
    { tag: "next", entry: "report", count: 9 },
    { tag: "runNow", entry: "report" },
    { tag: "pauseSchedule", entry: "report" },
    { tag: "resumeSchedule", entry: "report" },
  ];
  for (const command of commands) {
    test(JSON.stringify(command), () => {
      const { method, path, body } = queueCallOf(command);
      expect(read(method, path, JSON.parse(JSON.stringify(body ?? {})))).toEqual(command);
    });
  }
});

describe("queueCommandOf()", () => {
  test("takes since as a date, or as how long ago", () => {
    const since = (text: string) => read("GET", `/tasks?since=${text}`);
    expect(since("1h")).toMatchObject({ filter: { since: now - 3_600_000 } });
    expect(since("2026-11-20")).toMatchObject({ filter: { since: Date.parse("2026-11-20T00:00:00Z") } });
  });

  const wrong: [string, string, Record<string, unknown>, RegExp][] = [
    ["POST", "/tasks/delete", {}, /does not say which tasks to delete/],
    ["POST", "/tasks/delete", { all: "yes" }, /does not say which tasks/],
    ["POST", "/tasks/run", { ids: [] }, /ids cannot be/],
    ["POST", "/tasks/run", { ids: [1] }, /ids cannot be/],
    ["POST", "/tasks/run", { ids: Array(1_001).fill("x") }, /ids cannot be "1001 of them"/],
    ["POST", "/tasks/run", { state: "gone" }, /state cannot be "gone"/],
    ["POST", "/tasks/run", { queue: "" }, /queue cannot be ""/],
    ["POST", "/tasks", {}, /type cannot be/],
    ["GET", "/tasks?since=soon", {}, /since cannot be "soon"/],
    ["GET", "/tasks?limit=0", {}, /limit cannot be "0"/],
    ["GET", "/tasks?limit=1001", {}, /limit cannot be "1001"/],
    ["GET", "/queues/q/history?days=91", {}, /days cannot be "91"/],
    ["POST", "/queues/q/drain?dry_run=maybe", {}, /dry_run cannot be "maybe"/],
  ];
  for (const [method, path, body, message] of wrong) {
    test(`refuses ${method} ${path} ${JSON.stringify(body).slice(0, 40)}`, () => {
      expect(() => read(method, path, body)).toThrow(ApiError);
      expect(() => read(method, path, body)).toThrow(message);
    });
  }

  test("takes all tasks when that is said, or a queue", () => {
    expect(read("POST", "/tasks/delete", { all: true })).toMatchObject({ filter: {} });
    expect(read("POST", "/tasks/delete", { queue: "q" })).toMatchObject({ queue: "q", filter: {} });
  });
});
