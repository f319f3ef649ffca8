import { describe, expect, test } from "bun:test";
import { queuesText, queueText } from "../../src/cli/queue-text.ts";
import { nextText, runsText, schedulesText } from "../../src/cli/schedule-text.ts";
import { fromNow, roughly, shortened } from "../../src/cli/short-text.ts";
import { tableText } from "../../src/cli/table-text.ts";
import { meansAll, selectionOf } from "../../src/cli/task-selection.ts";
import { enqueuedText, tasksText, taskText } from "../../src/cli/task-text.ts";
import type { QueueInfo, TaskInfo } from "../../src/core/task.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
const task: TaskInfo = {
  id: "t1",
  queue: "mail",
  type: "mail:welcome",
  state: "pending",
  payload: '{"to":"ann"}',
  headers: {},
  enqueuedAt: now - 3_000,
  retried: 0,
  maxRetry: 25,
  timeout: 0,
  deadline: 0,
  retention: 0,
};
const queue: QueueInfo = {
  queue: "mail",
  paused: true,
  counts: { pending: 3, active: 1, scheduled: 0, retry: 2, archived: 4, completed: 0, aggregating: 0 },
  held: 1,
  latency: 90_000,
  processed: 10,
  failed: 2,
  processedTotal: 100,
  failedTotal: 20,
};

describe("short texts", () => {
  test("roughly() takes the largest unit that tells", () => {
    const of = (ms: number) => roughly(ms);
    expect([0, 450, 1_400, 89_000, 90_000, 5_300_000, 5_400_000, 172_800_000, -5].map(of)).toEqual([
      "0ms",
      "450ms",
      "1s",
      "89s",
      "2m",
      "88m",
      "2h",
      "2d",
      "0ms",
    ]);
  });

  test("fromNow() says in which direction", () => {
    expect([fromNow(now - 5_000, now), fromNow(now + 5_000, now)]).toEqual(["5s ago", "in 5s"]);
  });

  test("shortened() stays on one line and shows that it cut", () => {
    expect(shortened("a\n  b\u001b[31m", 20)).toBe("a b [31m");
    expect(shortened("x".repeat(10), 10)).toBe("x".repeat(10));
    expect(shortened("x".repeat(11), 10)).toBe(`${"x".repeat(9)}…`);
    expect(shortened(`${" ".repeat(30)}x`, 10)).toEndWith("…");
  });
});

test("tableText() puts colors on the right cells, after aligning them", () => {
  const rows = [
    ["1", ["1", "31"]],
    ["22", "1"],
  ] as const;
  expect(tableText(["A", "B"], rows, false)).toBe("A   B\n1   1\n22  1\n");
  expect(tableText(["A", "B"], rows, true)).toBe(
    "\u001b[1mA   B\u001b[22m\n1   \u001b[31m1\u001b[0m\n22  1\n",
  );
});

test("queuesText() shows what waits, for how long, and what is paused", () => {
  const text = queuesText({ broker: "main", queues: [queue] }, false);
  expect(text.split("\n")[1]).toMatch(/^mail +paused +3 +1 +1 +0 +2 +4 +0 +0 +2m +10 +2$/);
  expect(queuesText({ broker: "main", queues: [] }, false)).toBe(
    "no queues: nothing has been enqueued yet\n",
  );
});

test("queuesText() says below the table why a queue is broken", () => {
  const broken = { ...queue, queue: "q1", problem: "the key asynq:{q1}:pending is a string and no list" };
  const text = queuesText({ broker: "main", queues: [broken, queue] }, false);
  expect(text.split("\n").slice(3)).toEqual([
    "",
    "q1: the key asynq:{q1}:pending is a string and no list. Rename or delete it.",
    "",
  ]);
});

test("queueText() names who consumes it, or that nobody does", () => {
  const server = {
    id: "s",
    host: "web-1",
    pid: 7,
    startedAt: now - 60_000,
    status: "active",
    concurrency: 8,
    queues: { mail: 2 },
    active: 3,
  };
  expect(queueText({ broker: "main", queue, servers: [server] }, false, now)).toMatch(
    /web-1 +7 +active +60s ago +3\/8 +mail:2\n$/,
  );
  expect(queueText({ broker: "main", queue, servers: [] }, false, now)).toEndWith("\nnobody consumes it\n");
});

describe("tasksText()", () => {
  const lineOf = (more: Partial<TaskInfo>) =>
    tasksText({ tasks: [{ ...task, ...more }] }, false, now).split("\n")[1];

  test("shows the payload and when it was enqueued", () => {
    expect(lineOf({})).toMatch(/^t1 +mail +mail:welcome +pending +3s ago +0\/25 +\{"to":"ann"\}$/);
  });

  test("shows the error of what failed, and when it runs again", () => {
    expect(lineOf({ state: "retry", runAt: now + 5_000, retried: 2, lastError: "boom\nat x" })).toMatch(
      /retry +in 5s +2\/25 +boom at x$/,
    );
    expect(lineOf({ state: "archived", lastFailedAt: now - 60_000, lastError: "boom" })).toMatch(
      /archived +60s ago +0\/25 +boom$/,
    );
  });

  test("shows no bytes, and how far it is", () => {
    expect(lineOf({ payload: "/w==", encoding: "base64" })).toMatch(/\(bytes\)$/);
    expect(lineOf({ state: "active", progress: "0.5" })).toMatch(/0\.5$/);
  });

  test("says so when there are none", () => {
    expect(tasksText({ tasks: [] }, false, now)).toBe("no such tasks\n");
  });
});

test("taskText() shows all that is known, and JSON over several lines only when that changes nothing", () => {
  const text = taskText({ ...task, key: "k", result: '{"id":12345678901234567890}' }, false, now);
  expect(text).toContain("key       k\n");
  expect(text).toContain("enqueued  2026-11-21 11:59:57Z (3s ago)\n");
  expect(text).toContain('\npayload\n  {\n    "to": "ann"\n  }\n');
  expect(text).toContain('result    {"id":12345678901234567890}\n');
  expect(text).not.toContain("deadline");
});

test("the texts of schedules show the next and the last time", () => {
  const run = { at: now - 60_000, outcome: "failed", durationMs: 1_500, error: "boom", owner: "x" } as const;
  const schedule = {
    entry: "report",
    cron: "@daily",
    timezone: "UTC",
    paused: false,
    next: [now + 3_600_000],
    last: run,
    running: 0,
  };
  expect(schedulesText({ schedules: [schedule] }, false, now).split("\n")[1]).toMatch(
    /^report +@daily +UTC +waiting +in 60m +60s ago +failed$/,
  );
  expect(runsText({ entry: "report", runs: [run] }, false, now).split("\n")[1]).toMatch(
    /^2026-11-21 11:59:00Z +60s ago +failed +- +2s +boom$/,
  );
  expect(nextText({ entry: "report", next: [now + 1_000] }, now)).toBe("2026-11-21 12:00:01Z  in 1s\n");
  expect(nextText({ entry: "report", next: [] }, now)).toBe("never again\n");
});

describe("selectionOf()", () => {
  test("reads times and the part of an error", () => {
    expect(selectionOf(["x"], { queue: "q", since: "1h", error: "~refused" }, now)).toEqual({
      queue: "q",
      filter: { ids: ["x"], since: now - 3_600_000, error: "refused" },
    });
    expect(selectionOf([], { error: "~" }, now)).toEqual({ filter: { error: "~" } });
    expect(() => selectionOf([], { since: "soon" }, now)).toThrow('--since cannot be "soon"');
  });

  test("means all when nothing is said", () => {
    expect(meansAll(selectionOf([], {}, now))).toBe(true);
    expect(meansAll(selectionOf([], { queue: "q" }, now))).toBe(false);
    expect(meansAll(selectionOf([], { state: "retry" }, now))).toBe(false);
  });
});

describe("what others have written goes to a terminal as text", () => {
  const evil = "\u001b]0;pwned\u0007\u001b[2Jx\nSTATE  forged\ty";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const obeyed = /[\0-\x09\x0b-\x1f\x7f-\x9f]/;
  const odd: TaskInfo = {
    ...task,
    id: evil,
    queue: evil,
    type: evil,
    key: evil,
    group: evil,
    headers: { [evil]: evil },
    payload: evil,
    owner: evil,
    lastError: evil,
    result: evil,
  };

  test("in the line of a task that was enqueued", () => {
    const text = enqueuedText({ id: evil, queue: "q", state: "pending" });
    expect(text).not.toMatch(obeyed);
    expect(text).toEndWith(": pending in q\n");
  });

  test("in tables: one line per row, colors on the right cells", () => {
    const text = tasksText({ tasks: [{ ...odd, payload: "{}" }] }, false, now);
    expect(text).not.toMatch(obeyed);
    expect(text.split("\n")).toHaveLength(3);
    expect(text).toContain("\\u001b]0;pwned\\u0007\\u001b[2Jx\\nSTATE  forged\\ty");
    const painted = tableText(["A", "B"], [["a\u001b[1m\n", ["b\u0007", "31"]]], true);
    expect(painted.split("\n")[1]).toBe("a\\u001b[1m\\n  \u001b[31mb\\u0007\u001b[0m");
    const names = queuesText({ broker: "main", queues: [{ ...queue, queue: evil }] }, false);
    expect(names).not.toMatch(obeyed);
    expect(names.split("\n")).toHaveLength(3);
  });

  test("in lists: only a payload, a result and an error keep their lines, below their name", () => {
    const text = taskText(odd, false, now);
    expect(text.replaceAll("\ty", "")).not.toMatch(obeyed);
    expect(text).toContain("id            \\u001b]0;pwned\\u0007\\u001b[2Jx\\nSTATE  forged\\ty\n");
    const moved = [...text.matchAll(/^ *STATE {2}forged/gm)].map(([begin]) => begin);
    expect(moved).toEqual(["  STATE  forged", "  STATE  forged", "  STATE  forged"]);
    const server = {
      id: "s",
      host: evil,
      pid: 7,
      startedAt: now,
      status: evil,
      concurrency: 8,
      queues: { [evil]: 2 },
      active: 3,
    };
    const inspected = queueText(
      { broker: "main", queue: { ...queue, queue: evil }, servers: [server] },
      false,
      now,
    );
    expect(inspected).not.toMatch(obeyed);
    expect(inspected).not.toMatch(/^\s*STATE {2}forged/m);
  });
});
