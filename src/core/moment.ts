import { parseDuration } from "./duration.ts";

/**
 * Milliseconds since 1970 of a time as people say it: a date (`2026-11-21`, `2026-11-21T10:00:00Z`), milliseconds
 * since 1970, or how far it is from `now`: `1h` is an hour ago, or in an hour. Undefined when it is none of these.
 *
 * @example parseMoment("1h", 7_200_000, "ago") // 3_600_000
 */
export function parseMoment(text: string, now: number, direction: "ago" | "ahead"): number | undefined {
  const duration = parseDuration(text);
  if (duration !== undefined) return direction === "ago" ? now - duration : now + duration;
  if (/^\d{10,16}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
