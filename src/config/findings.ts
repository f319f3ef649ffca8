import type { ErrorCode } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";
import { comparePositions } from "../core/render-problems.ts";
import type { Span } from "./node.ts";
import { positionOf } from "./node.ts";

/** Adds to a list of problems. */
export type Report = (code: ErrorCode, at: Span | undefined, message: string, hint: string) => void;

export function reportTo(problems: Problem[]): Report {
  return (code, at, message, hint) =>
    problems.push({ code, message, hint, ...(at ? { position: positionOf(at) } : {}) });
}

/** In reading order, and each place once for each code: an anchored block is wrong in one place only. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(({ code, position, message }) => {
      const key = position ? `${code} ${position.file}:${position.line}:${position.column}` : message;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => comparePositions(a.position, b.position));
}
