import { Cron } from "croner";
import { parseDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { expectedIn, wrongField } from "./cron-fields.ts";
import { checkTimezone } from "./timezone.ts";

/** The planned times of a schedule, in milliseconds since 1970. They depend on nothing but the text and the zone. */
export interface CronTimes {
  /** The first one after `after`; undefined when there is none any more. */
  next(after: number): number | undefined;
  /** The last one before `before`. */
  previous(before: number): number | undefined;
}

const nicknames: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/**
 * Reads a cron expression: five fields, six with seconds first, `@hourly` and the like, or `@every 5m`.
 * `@every` counts from 1970-01-01T00:00Z, so that all replicas and restarts agree on its times.
 *
 * @param now when it has to have a future
 * @throws SupervisorError BAD_VALUE that names the field and what may be in it, or that it never runs
 */
export function parseCron(text: string, timezone = "UTC", now: number = Date.now()): CronTimes {
  checkTimezone(timezone);
  const trimmed = text.trim();
  if (/^@every(\s|$)/.test(trimmed)) return every(trimmed);
  const fields = fieldsOf(trimmed);
  const times = timesOf(fields, timezone, text);
  if (times.next(now) === undefined) throw neverRuns(text);
  return times;
}

/** The next `count` times after `after`; fewer when there are no more. */
export function nextTimes(times: CronTimes, after: number, count: number): number[] {
  const found: number[] = [];
  for (let at = times.next(after); at !== undefined && found.length < count; at = times.next(at))
    found.push(at);
  return found;
}

function every(text: string): CronTimes {
  const written = text.slice("@every".length).trim();
  const period = parseDuration(written);
  if (period === undefined) {
    throw bad(`"${text}": "${written}" is not a duration`, 'Write one like "@every 30s" or "@every 1h30m".');
  }
  if (period < 1_000) throw bad(`"${text}" is shorter than a second`, 'The shortest is "@every 1s".');
  return {
    next: (after) => (Math.floor(after / period) + 1) * period,
    previous: (before) => (Math.ceil(before / period) - 1) * period,
  };
}

function fieldsOf(text: string): string {
  const zone = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text);
  if (zone) throw bad(`"${text}" names a time zone`, `Write cron: "${zone[2]}" and timezone: ${zone[1]}.`);
  if (text.startsWith("@")) return nicknameOf(text);
  const parts = text.split(/\s+/);
  if (text === "" || parts.length < 5 || parts.length > 6) {
    const found = text === "" ? 0 : parts.length;
    throw bad(
      `"${text}" has ${found} field${found === 1 ? "" : "s"} instead of five or six`,
      'The five are minute, hour, day of the month, month, day of the week: "0 3 * * *" is daily at 3; a sixth in front is the second.',
    );
  }
  const wrong = wrongField(parts);
  if (wrong) throw bad(`"${text}": ${wrong}`, expectedIn(wrong));
  return parts.join(" ").toUpperCase();
}

function nicknameOf(text: string): string {
  const fields = nicknames[text.toLowerCase()];
  if (fields) return fields;
  const known = [...Object.keys(nicknames), "@every"];
  const meant = nearest(text, known);
  throw bad(
    `"${text}" is not a schedule`,
    meant ? `Did you mean "${meant}"?` : `Known are ${known.join(", ")} (like "@every 5m").`,
  );
}

function timesOf(fields: string, timezone: string, text: string): CronTimes {
  try {
    const cron = new Cron(fields, { paused: true, timezone, mode: "5-or-6-parts" });
    return {
      next: (after) => cron.nextRun(new Date(after))?.getTime(),
      previous: (before) => cron.previousRuns(1, new Date(before))[0]?.getTime(),
    };
  } catch (error) {
    throw new SupervisorError("BAD_VALUE", `"${text}" is not a cron expression`, reasonOf(error), {
      cause: error,
    });
  }
}

function neverRuns(text: string): SupervisorError {
  return bad(`"${text}" never runs`, "There is no such day: compare the day of the month with the month.");
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^\w+: /, "") : String(error);
}

function bad(message: string, hint: string): SupervisorError {
  return new SupervisorError("BAD_VALUE", message, hint);
}
