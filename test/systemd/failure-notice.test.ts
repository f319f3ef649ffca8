import { expect, test } from "bun:test";
import { SupervisorError } from "../../src/core/errors.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import type { ServiceStop, StopReport } from "../../src/core/report.ts";
import { endNotice, failureNotice } from "../../src/systemd/failure-notice.ts";

test("failureNotice() names the first problem with its place, and how many more there are", () => {
  const position = { file: "/srv/services.yaml", line: 3, column: 1, text: "", length: 1 };
  const problem = { code: "UNKNOWN_KEY", message: 'Unknown key "modul"', hint: "", position } as const;
  expect(failureNotice(new ProblemsError([problem, problem]))).toBe(
    'STATUS=Cannot start: /srv/services.yaml:3: Unknown key "modul" (and 1 more) (UNKNOWN_KEY)\nERRNO=22',
  );
});

test("failureNotice() gives the number that the system has for an address that is taken", () => {
  const error = new SupervisorError("ADDRESS_IN_USE", "Cannot listen", "");
  expect(failureNotice(error)).toBe("STATUS=Cannot start: Cannot listen (ADDRESS_IN_USE)\nERRNO=98");
});

test("failureNotice() is one line, whatever was thrown", () => {
  expect(failureNotice(new Error("two\nlines"))).toBe("STATUS=Cannot start: two lines\nERRNO=5");
});

test("endNotice() tells who failed and how many have stopped; nothing of an end that was asked for", () => {
  const report = {
    outcome: "clean",
    startedAt: 0,
    durationMs: 1,
    budgetMs: 30_000,
    services: [
      { service: "db", generation: 1, outcome: "gone", startedMs: 0, durationMs: 0, deadlineMs: 1 },
      { service: "api", generation: 1, outcome: "abandoned", startedMs: 0, durationMs: 1, deadlineMs: 1 },
    ],
  } as const;
  const cause = { tag: "failure", service: "db", message: "no route\nto it" } as const;
  const text = 'STATUS=Failed: service "db": no route to it; 1/2 services stopped; cut off: api';
  expect(endNotice({ ...report, cause })).toBe(`${text}\nERRNO=5`);
  expect(endNotice({ ...report, cause: { ...cause, code: "BROKER_REFUSED" } })).toBe(`${text}\nERRNO=22`);
  expect(endNotice({ ...report, services: [], cause: { tag: "request" } })).toBeUndefined();
});

test("endNotice() of a stop that was asked for tells who was cut off, with what, and why when that is known", () => {
  const held = { requests: 2, streams: 0, websockets: 0, hooks: ["stop"] };
  const ended = { generation: 2, startedMs: 0, durationMs: 1, deadlineMs: 1 };
  const report = (api: Partial<ServiceStop>, db: Partial<ServiceStop> = {}): StopReport => ({
    cause: { tag: "signal", signal: "SIGTERM" },
    outcome: "forced",
    startedAt: 0,
    durationMs: 1,
    budgetMs: 30_000,
    services: [
      { service: "api", ...ended, outcome: "stopped", ...api },
      { service: "db", ...ended, outcome: "stopped", ...db },
    ],
  });
  expect(endNotice(report({ outcome: "abandoned", held }))).toBe(
    "STATUS=Cut off: api (2 requests, stop())\nERRNO=62",
  );
  const late = { outcome: "abandoned", error: "not ready within 3s" } as const;
  expect(endNotice(report(late, { leftBehind: [{ generation: 1, held }] }))).toBe(
    'STATUS=Failed: service "api": not ready within 3s; cut off: api, db\nERRNO=5',
  );
  expect(endNotice(report({ outcome: "gone", error: "no route" }))).toBeUndefined();
});
