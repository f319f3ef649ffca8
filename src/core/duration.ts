const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Of what a setting may ask for, in milliseconds: ten years, which is "never" for a process. */
export const longestDuration = 87_600 * 3_600_000;

/**
 * Milliseconds of a Go style duration (`500ms`, `1h30m`, `1.5s`, `0s`), or undefined when it is none.
 *
 * @example parseDuration("1h30m") // 5_400_000
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit as string] as number);
  }
  return Math.round(total);
}

/**
 * The shortest form people read: whole milliseconds below a second, one decimal below a minute.
 *
 * @example formatDuration(90_000) // "1m30s"
 */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${trim(ms / 1_000)}s`;
  const total = Math.round(ms / 1_000);
  const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor((total % 3_600) / 60), total % 60];
  return [hours && `${hours}h`, minutes && `${minutes}m`, seconds && `${seconds}s`].filter(Boolean).join("");
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}
