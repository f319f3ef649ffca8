import { errorCodes } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";

/** A wrong file (78) outweighs an address that is taken (70): it has to be mended first. */
export function exitCodeOf(problems: readonly Problem[]): number {
  return Math.max(...problems.map((problem) => errorCodes[problem.code].exit));
}
