import type { ErrorCode } from "./errors.ts";
import { SupervisorError } from "./errors.ts";

/** A place in a file that a person wrote. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line, for the caret below it. */
  readonly text: string;
  /** How many characters the caret line underlines. */
  readonly length: number;
}

/** One thing that is wrong, where, and what to do about it. Many are reported together. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** Absent when no line of a file is at fault. */
  readonly position?: Position;
}

/** Carries all problems of one attempt, so that nobody fixes them one run at a time. */
export class ProblemsError extends Error {
  override readonly name = "ProblemsError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join("\n"));
    this.problems = problems;
  }
}

/** The problems that an error stands for; none when nobody foresaw it. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  if (error instanceof SupervisorError) return [error];
  return [];
}

/** Finds the place in services.yaml that a value of the plan came from. Longest known prefix of `path` wins. */
export type Locate = (path: readonly (string | number)[]) => Position | undefined;
