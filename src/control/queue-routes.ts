import { taskStates } from "../core/task.ts";
import {
  actSchema,
  brokersSchema,
  drainSchema,
  enqueuedSchema,
  enqueueSchema,
  historySchema,
  nextSchema,
  queuePauseSchema,
  queueSchema,
  queuesSchema,
  runNowSchema,
  runsSchema,
  schedulePauseSchema,
  schedulesSchema,
  selectionSchema,
  taskSchema,
  tasksSchema,
} from "./queue-schemas.ts";
import type { Answer, Parameter, Route } from "./route.ts";
import { timeout } from "./route.ts";
import type { Schema } from "./schemas.ts";

const broker: Parameter = {
  name: "broker",
  schema: { type: "string" },
  summary: "A name of `brokers:`. Absent: the first.",
};
const dryRun: Parameter = {
  name: "dry_run",
  schema: { type: "boolean", default: false },
  summary: "Only says how many tasks it would be done to.",
};
const filters: readonly Parameter[] = [
  parameter("queue", { type: "string" }, "Only tasks of this queue."),
  parameter(
    "id",
    { type: "array", items: { type: "string" } },
    "Only tasks with these ids; may be repeated.",
  ),
  parameter("state", { type: "string", enum: taskStates }, "Only tasks in this state."),
  parameter("type", { type: "string" }, "Only tasks of this type; `mail:*` is all that begin so."),
  parameter("since", { type: "string" }, "Only enqueued, failed or completed since: a date, or `1h`."),
  parameter("error", { type: "string" }, "Only those with this in their last error, ignoring case."),
];
const page: readonly Parameter[] = [
  parameter("limit", { type: "integer", default: 100, minimum: 1, maximum: 1_000 }, "Tasks of one page."),
  parameter("after", { type: "string" }, "The `next` of the page before."),
];

/** What the API does with queues, tasks and schedules. */
export const queueRoutes = {
  brokers: read("/brokers", "The brokers of services.yaml, the default first.", [], brokersSchema),
  queues: read("/queues", "All queues of a broker.", [broker], queuesSchema),
  queue: read("/queues/{name}", "One queue, and who consumes it.", [broker], queueSchema),
  queueHistory: read(
    "/queues/{name}/history",
    "What a queue has done on the last days, in UTC.",
    [broker, parameter("days", { type: "integer", default: 7, minimum: 1, maximum: 90 }, "How many days.")],
    historySchema,
  ),
  pauseQueue: change(
    "/queues/{name}/pause",
    "Nothing of it is handed out any more.",
    [broker],
    queuePauseSchema,
  ),
  resumeQueue: change("/queues/{name}/resume", "Ends a pause.", [broker], queuePauseSchema),
  drainQueue: change(
    "/queues/{name}/drain",
    "Deletes all tasks that wait: pending, scheduled, retry.",
    [broker, dryRun],
    drainSchema,
  ),
  tasks: read("/tasks", "Tasks, page by page.", [broker, ...filters, ...page], tasksSchema),
  task: read(
    "/tasks/{id}",
    "One task, with all of its payload.",
    [broker, filters[0] as Parameter],
    taskSchema,
  ),
  enqueueTask: change("/tasks", "Enqueues a task.", [broker], enqueuedSchema, enqueueSchema),
  runTasks: act("run", "Tasks that wait for their time, or in a group, may run at once."),
  retryTasks: act("retry", "The same for archived and completed tasks too, with all attempts anew."),
  archiveTasks: act("archive", "Puts tasks that wait into the archive."),
  deleteTasks: act("delete", "Deletes tasks, but none that is worked on."),
  cancelTasks: act("cancel", "Asks whoever works on them to stop."),
  schedules: read("/schedules", "All schedules.", [broker], schedulesSchema),
  scheduleHistory: read(
    "/schedules/{name}/history",
    "The last runs, the newest first.",
    [parameter("n", { type: "integer", default: 20, minimum: 1, maximum: 1_000 }, "How many runs.")],
    runsSchema,
  ),
  scheduleNext: read(
    "/schedules/{name}/next",
    "The next planned times.",
    [parameter("n", { type: "integer", default: 5, minimum: 1, maximum: 1_000 }, "How many times.")],
    nextSchema,
  ),
  runSchedule: change("/schedules/{name}/run", "Runs it now.", [], runNowSchema),
  pauseSchedule: change(
    "/schedules/{name}/pause",
    "Its times pass and are skipped.",
    [],
    schedulePauseSchema,
  ),
  resumeSchedule: change("/schedules/{name}/resume", "Ends a pause.", [], schedulePauseSchema),
} as const satisfies Readonly<Record<string, Route>>;

function read<Path extends string>(path: Path, summary: string, query: readonly Parameter[], schema: Schema) {
  return { method: "GET", path, summary, query: [...query, timeout], answer: answerOf(schema) } as const;
}

function change<Path extends string>(
  path: Path,
  summary: string,
  query: readonly Parameter[],
  schema: Schema,
  body?: Schema,
) {
  return {
    method: "POST",
    path,
    summary,
    query: [...query, timeout],
    ...(body ? { body } : {}),
    answer: answerOf(schema),
    writes: true,
  } as const;
}

function act(action: string, summary: string) {
  return change(
    `/tasks/${action}`,
    `${summary} The body says which.`,
    [broker, dryRun],
    actSchema,
    selectionSchema,
  );
}

function answerOf(schema: Schema): Answer {
  return { type: "application/json", schema, summary: "What was asked for." };
}

function parameter(name: string, schema: Schema, summary: string): Parameter {
  return { name, schema, summary };
}
