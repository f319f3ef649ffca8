import { pairwise, spreadOf } from "./statistics.ts";

/** One line of the result: what was measured on either side, round by round, and what it is held against. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly script: readonly number[];
  readonly supervisor: readonly number[];
  /** Round by round: supervisor / script, supervisor − script, or the supervisor's own value. */
  readonly judged: readonly number[];
  readonly by: Judgement;
  readonly aim?: Aim;
}

export type Judgement = "ratio" | "difference" | "value";

export type Aim = { readonly atMost: number } | { readonly atLeast: number };

type Rounds = Pick<Figure, "script" | "supervisor">;

export function figure(what: string, unit: string, rounds: Rounds, by: Judgement, aim?: Aim): Figure {
  const { script, supervisor } = rounds;
  const judged =
    by === "value"
      ? supervisor
      : pairwise(supervisor, script, by === "ratio" ? (a, b) => a / b : (a, b) => a - b);
  return { what, unit, script, supervisor, judged, by, ...(aim ? { aim } : {}) };
}

/** Whether the median meets the aim; undefined when there is none. */
export function isMet({ judged, aim }: Figure): boolean | undefined {
  if (!aim) return undefined;
  const { median } = spreadOf(judged);
  return "atMost" in aim ? median <= aim.atMost : median >= aim.atLeast;
}
