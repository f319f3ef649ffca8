import type { QueueAnswers } from "../core/queue-command.ts";
import type { ScheduleInfo, ScheduleRun } from "../core/task.ts";
import { dateText, fromNow, roughly, shortened } from "./short-text.ts";
import type { Cell } from "./table-text.ts";
import { tableText } from "./table-text.ts";

const colors: Readonly<Record<ScheduleRun["outcome"], string>> = {
  running: "32",
  done: "",
  failed: "31",
  skipped: "33",
};
const widestError = 60;

/** The table of `supervisor cron ls`. */
export function schedulesText({ schedules }: QueueAnswers["schedules"], color: boolean, now: number): string {
  if (schedules.length === 0) return "no service has a schedule\n";
  return tableText(
    ["SERVICE", "CRON", "ZONE", "STATE", "NEXT", "LAST", "OUTCOME"],
    schedules.map((schedule) => rowOf(schedule, now)),
    color,
  );
}

/** The table of `supervisor cron history`. */
export function runsText({ runs }: QueueAnswers["runs"], color: boolean, now: number): string {
  if (runs.length === 0) return "it has not run yet\n";
  const rows = runs.map((run): Cell[] => [
    dateText(run.at),
    fromNow(run.at, now),
    [run.outcome, colors[run.outcome]],
    run.cause ?? "-",
    run.durationMs === undefined ? "-" : roughly(run.durationMs),
    shortened(run.error ?? "", widestError),
  ]);
  return tableText(["PLANNED", "AGE", "OUTCOME", "CAUSE", "TOOK", "ERROR"], rows, color);
}

/** What `supervisor cron next` prints. */
export function nextText({ next }: QueueAnswers["next"], now: number): string {
  return next.length === 0
    ? "never again\n"
    : next.map((at) => `${dateText(at)}  ${fromNow(at, now)}\n`).join("");
}

function rowOf({ entry, cron, timezone, paused, next, last, running }: ScheduleInfo, now: number): Cell[] {
  const [first] = next;
  const state = paused ? "paused" : running > 0 ? "running" : "waiting";
  return [
    entry,
    cron,
    timezone,
    [state, paused ? "33" : running > 0 ? "32" : ""],
    first === undefined ? "never" : fromNow(first, now),
    last ? fromNow(last.at, now) : "-",
    last ? [last.outcome, colors[last.outcome]] : "-",
  ];
}
