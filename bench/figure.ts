import { pairwise, spreadOf } from "./statistics.ts";

/** One line of the result: what was measured on either side, round by round, and what it is held against. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  /** The script, or what `what` says that it is beside; empty when it is beside nothing. */
  readonly baseline: readonly number[];
  readonly supervisor: readonly number[];
  /** Round by round: supervisor / baseline, supervisor − baseline, or the supervisor's own value. */
  readonly judged: readonly number[];
  readonly by: Judgement;
  readonly aim?: Aim;
}

export type Judgement = "ratio" | "difference" | "value";

export type Aim = { readonly atMost: number } | { readonly atLeast: number };

type Rounds = Readonly<Record<"script" | "supervisor", readonly number[]>>;

/** The supervisor against the script. */
export function figure(what: string, unit: string, rounds: Rounds, by: Judgement, aim?: Aim): Figure {
  return against(what, unit, rounds.script, rounds.supervisor, by, aim);
}

/** The supervisor against itself: one state of it beside another, round by round. */
export function against(
  what: string,
  unit: string,
  baseline: readonly number[],
  supervisor: readonly number[],
  by: Judgement,
  aim?: Aim,
): Figure {
  const judged =
    by === "value"
      ? supervisor
      : pairwise(supervisor, baseline, by === "ratio" ? (a, b) => a / b : (a, b) => a - b);
  return { what, unit, baseline, supervisor, judged, by, ...(aim ? { aim } : {}) };
}

/** Whether the median meets the aim; undefined when there is none. */
export function isMet({ judged, aim }: Figure): boolean | undefined {
  if (!aim) return undefined;
  const { median } = spreadOf(judged);
  return "atMost" in aim ? median <= aim.atMost : median >= aim.atLeast;
}
