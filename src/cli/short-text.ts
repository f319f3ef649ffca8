/**
 * How long something takes, in its largest unit that fits: what people compare at a glance.
 *
 * @example roughly(7_500_000) // "2h"
 */
export function roughly(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 1) return `${Math.round(seconds * 1_000)}ms`;
  if (seconds < 90) return `${Math.round(seconds)}s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** @example fromNow(1_000, 61_000) // "60s ago" */
export function fromNow(time: number, now: number): string {
  return time > now ? `in ${roughly(time - now)}` : `${roughly(now - time)} ago`;
}

/** On one line, without control characters, with an ellipsis where it is cut. */
export function shortened(text: string, most: number): string {
  const line = text
    .slice(0, most * 2)
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return line.length <= most && text.length <= most * 2 ? line : `${line.slice(0, most - 1)}…`;
}

/** @example several(1, "task") // "1 task" */
export function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** A time as people read it, to the second, in UTC. */
export function dateText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")}Z`;
}
