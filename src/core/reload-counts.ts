/** How the reloads of services.yaml went since the start. */
export interface ReloadCounts {
  readonly applied: number;
  readonly unchanged: number;
  /** Nothing was applied, or not every step. */
  readonly failed: number;
  /** Absent before the first. */
  readonly last?: { readonly result: ReloadResult /** Milliseconds since 1970. */; readonly at: number };
}

export type ReloadResult = "applied" | "unchanged" | "failed";

export const noReloads: ReloadCounts = { applied: 0, unchanged: 0, failed: 0 };

/** One more, that ended at `at`, milliseconds since 1970. */
export function countReload(counts: ReloadCounts, result: ReloadResult, at: number): ReloadCounts {
  return { ...counts, [result]: counts[result] + 1, last: { result, at } };
}
