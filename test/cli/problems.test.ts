import { expect, test } from "bun:test";
import { exitCodeOf } from "../../src/cli/problems.ts";
import { SupervisorError } from "../../src/core/errors.ts";
import type { Problem } from "../../src/core/problem.ts";
import { ProblemsError, problemsOf } from "../../src/core/problem.ts";

const problem = (code: Problem["code"]): Problem => ({ code, message: code, hint: "" });

test("problemsOf() unpacks what an operator may meet and nothing else", () => {
  const problems = [problem("BAD_VALUE")];
  expect(problemsOf(new ProblemsError(problems))).toEqual(problems);
  expect(problemsOf(new SupervisorError("FILE_EXISTS", "m", "h"))).toMatchObject([
    { code: "FILE_EXISTS", message: "m", hint: "h" },
  ]);
  expect(problemsOf(new TypeError("a defect"))).toEqual([]);
});

test("exitCodeOf() lets a wrong file outweigh an address in use", () => {
  expect(exitCodeOf([problem("ADDRESS_IN_USE")])).toBe(70);
  expect(exitCodeOf([problem("ADDRESS_IN_USE"), problem("BAD_VALUE")])).toBe(78);
  expect(exitCodeOf([problem("FILE_EXISTS")])).toBe(64);
});
