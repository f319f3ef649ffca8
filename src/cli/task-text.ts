import type { QueueAnswers } from "../core/queue-command.ts";
import { shownLine } from "../core/shown-text.ts";
import type { TaskInfo, TaskPage, TaskState } from "../core/task.ts";
import { dateText, fromNow, roughly, shortened } from "./short-text.ts";
import type { Cell } from "./table-text.ts";
import { listText, tableText } from "./table-text.ts";

const widestNote = 60;
const stateColors: Readonly<Record<TaskState, string>> = {
  pending: "",
  active: "32",
  scheduled: "36",
  retry: "33",
  archived: "31",
  completed: "2",
  aggregating: "36",
};

/** The table of `supervisor task ls`. */
export function tasksText({ tasks }: TaskPage, color: boolean, now: number): string {
  if (tasks.length === 0) return "no such tasks\n";
  const head = ["ID", "QUEUE", "TYPE", "STATE", "WHEN", "FAILED", "PAYLOAD OR ERROR"];
  return tableText(
    head,
    tasks.map((task) => rowOf(task, now)),
    color,
  );
}

/** What `supervisor task enqueue` prints. */
export function enqueuedText({ id, queue, state }: QueueAnswers["enqueue"]): string {
  return `${shownLine(id)}: ${state} in ${queue}\n`;
}

/** What `supervisor task show` prints. */
export function taskText(task: TaskInfo, color: boolean, now: number): string {
  const { enqueuedAt, runAt, lastError, lastFailedAt, completedAt, deadline, timeout, retention } = task;
  const at = (time: number | undefined) => (time ? `${dateText(time)} (${fromNow(time, now)})` : undefined);
  const headers = Object.entries(task.headers).map(([name, value]) => shownLine(`${name}: ${value}`));
  const line = (text: string | undefined) => text && shownLine(text);
  const payload = task.encoding === "base64" ? `${task.payload} (base64)` : pretty(task.payload);
  return listText(
    [
      ["id", line(task.id)],
      ["queue", line(task.queue)],
      ["type", line(task.type)],
      ["state", task.state],
      ["key", line(task.key)],
      ["group", line(task.group)],
      ["enqueued", at(enqueuedAt)],
      ["runs", at(runAt)],
      ["failed", `${task.retried} of at most ${task.maxRetry} retries`],
      ["last error", lastError && `${lastError}${lastFailedAt ? ` (${fromNow(lastFailedAt, now)})` : ""}`],
      ["timeout", timeout > 0 ? roughly(timeout) : undefined],
      ["deadline", at(deadline)],
      ["kept for", retention > 0 ? roughly(retention) : undefined],
      ["worked on by", line(task.owner)],
      ["progress", task.progress],
      ["done", at(completedAt)],
      ["headers", headers.length > 0 ? headers.join("\n") : undefined],
      ["payload", payload === "" ? "(none)" : payload],
      ["result", task.result && pretty(task.result)],
    ].map(([name = "", value]) => [name, value === undefined ? undefined : indented(name, value)]),
    color,
  );
}

function rowOf(task: TaskInfo, now: number): Cell[] {
  const { id, queue, type, state, retried, maxRetry, lastError, payload, encoding, progress } = task;
  const failed = state === "retry" || state === "archived";
  const note = failed && lastError ? lastError : state === "active" && progress ? progress : payload;
  return [
    id,
    queue,
    type,
    [state, stateColors[state]],
    whenOf(task, now),
    `${retried}/${maxRetry}`,
    encoding === "base64" && note === payload ? "(bytes)" : shortened(note, widestNote),
  ];
}

/** What its state is about: when it will run, failed or was done. */
function whenOf({ state, enqueuedAt, runAt, lastFailedAt, completedAt }: TaskInfo, now: number): string {
  const time =
    state === "scheduled" || state === "retry"
      ? runAt
      : state === "archived"
        ? (lastFailedAt ?? completedAt)
        : state === "completed"
          ? completedAt
          : enqueuedAt;
  return time === undefined ? "-" : fromNow(time, now);
}

/** Several lines are moved below the first one of their entry. */
function indented(name: string, value: string): string {
  return value.includes("\n")
    ? `\n${value.replace(/^/gm, "  ")}`
    : value || (name === "result" ? "(none)" : value);
}

/** Over several lines when it is JSON and stays the same: numbers that are too large for JavaScript would not. */
function pretty(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? JSON.stringify(value, undefined, 2) : text;
  } catch {
    // Text that was never meant to be JSON.
    return text;
  }
}
