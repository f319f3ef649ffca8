import { formatDuration } from "../core/duration.ts";
import type { LogFields, LogLevel } from "../core/log.ts";
import { told } from "./log-pretty.ts";
import type { Frozen, Loop } from "./loop-watch.ts";
import { describeFreeze } from "./loop-watch.ts";

export interface StallRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A freeze is told at once, then when it has lasted this long, then every five minutes. */
const repeatsMs = [10_000, 60_000];
const repeatEveryMs = 300_000;

/** Returns what to log about each look at the loop: its freeze, seldom repeated, and its end. */
export function createStallReport(): (loop: Loop) => StallRecord | undefined {
  let last: Frozen | undefined;
  let nextMs = 0;
  return (loop) => {
    if (!loop.frozen) {
      const ended = last;
      last = undefined;
      nextMs = 0;
      return ended && turnsAgain(ended);
    }
    // The name found first stays: it is what the first record said.
    last = last?.certain ? { ...last, forMs: loop.forMs } : loop;
    if (loop.forMs < nextMs) return undefined;
    nextMs = repeatsMs.find((at) => at > loop.forMs) ?? loop.forMs + repeatEveryMs;
    return { level: "error", message: describeFreeze(last), fields: fieldsOf(last) };
  };
}

function turnsAgain(ended: Frozen): StallRecord {
  const { service, certain, forMs } = ended;
  const who =
    service === undefined
      ? "something outside of every service"
      : `${certain ? "" : "probably "}service "${service}"`;
  const message = `the event loop turns again after ${formatDuration(forMs)}: ${who} blocked it`;
  return { level: "warn", message, fields: fieldsOf(ended) };
}

function fieldsOf({ service, forMs, certain }: Frozen): LogFields {
  return told({ ...(service === undefined ? {} : { service, certain }), blockedMs: Math.round(forMs) });
}
