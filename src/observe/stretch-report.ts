import { formatDuration } from "../core/duration.ts";
import { told } from "./log-pretty.ts";
import type { StallRecord } from "./stall-report.ts";
import type { Stretch } from "./stretches.ts";

/** One record about a service in this time, in milliseconds; those between are counted. */
const quietMs = 60_000;

/**
 * Returns what to log about a stretch that has ended, at most one record a minute for each service. `nameOf` gives the
 * service of a mark.
 */
export function createStretchReport(
  nameOf: (mark: number) => string | undefined,
): (stretch: Stretch) => StallRecord | undefined {
  const last = new Map<number, { at: number; untold: number }>();
  return ({ ms, mark, certain, at }) => {
    const before = last.get(mark);
    if (before && at - before.at < quietMs) {
      before.untold++;
      return undefined;
    }
    last.set(mark, { at, untold: 0 });
    const service = nameOf(mark);
    const untold = before?.untold ?? 0;
    const more =
      untold > 0 ? `, as it did ${untold} more time${untold === 1 ? "" : "s"} since it was last told` : "";
    const fields = { blockedMs: Math.round(ms), ...(service === undefined ? {} : { service, certain }) };
    return {
      level: "warn",
      message: `${sentence(service, certain)} for ${formatDuration(ms)}${more}`,
      fields: told(fields),
    };
  };
}

function sentence(service: string | undefined, certain: boolean): string {
  if (service === undefined) return "something outside of every service blocked the event loop";
  return `${certain ? "" : "probably "}service "${service}" blocked the event loop`;
}
