import { errorCodes, SupervisorError } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";

/** The problems that an error stands for; none when nobody foresaw it. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  if (error instanceof SupervisorError) return [error];
  return [];
}

/** A wrong file (78) outweighs an address that is taken (70): it has to be mended first. */
export function exitCodeOf(problems: readonly Problem[]): number {
  return Math.max(...problems.map((problem) => errorCodes[problem.code].exit));
}
