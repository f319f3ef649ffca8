import { expect, test } from "bun:test";
import { SupervisorError } from "../../src/core/errors.ts";
import { ProblemsError } from "../../src/core/problem.ts";
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
  const text = 'STATUS=Failed: service "db": no route to it; 1/2 services stopped';
  expect(endNotice({ ...report, cause })).toBe(`${text}\nERRNO=5`);
  expect(endNotice({ ...report, cause: { ...cause, code: "BROKER_REFUSED" } })).toBe(`${text}\nERRNO=22`);
  expect(endNotice({ ...report, cause: { tag: "request" } })).toBeUndefined();
});
