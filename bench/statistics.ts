/** The middle of a list and its ends. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when `values` is empty. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("no values");
  const at = (index: number) => sorted[index] as number;
  const half = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** The value below which `share` (0 to 1) of them lie; with few values the largest is the p99. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const last = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  if (last < 0) throw new RangeError("no values");
  return sorted[last] as number;
}

/** Combines two lists round by round: what was measured in the same minute is compared with each other. */
export function pairwise(
  a: readonly number[],
  b: readonly number[],
  combine: (a: number, b: number) => number,
): number[] {
  return a.map((value, round) => combine(value, b[round] as number));
}
