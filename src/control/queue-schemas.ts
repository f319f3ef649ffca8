import { taskStates } from "../core/task.ts";
import type { Schema } from "./schemas.ts";

const text: Schema = { type: "string" };
const whole: Schema = { type: "integer" };
const flag: Schema = { type: "boolean" };
const time: Schema = { type: "integer", description: "Milliseconds since 1970." };
const ms: Schema = { type: "integer", description: "Milliseconds." };
const state: Schema = { type: "string", enum: taskStates };

const queueInfo: Schema = object(
  {
    queue: text,
    paused: flag,
    counts: {
      ...object(Object.fromEntries(taskStates.map((name) => [name, whole])), taskStates),
      description: "How many tasks are in each state.",
    },
    held: { ...whole, description: "Of the pending ones, those that wait for one with the same key." },
    latency: { ...ms, description: "How long the oldest pending task has waited, in milliseconds." },
    processed: { ...whole, description: "Since midnight UTC." },
    failed: { ...whole, description: "Since midnight UTC." },
    processedTotal: whole,
    failedTotal: whole,
    memory: { ...whole, description: "Bytes, as far as the broker can tell." },
    problem: {
      ...text,
      description: "Why the queue stands still and its numbers are not known: they are 0.",
    },
  },
  ["queue", "paused", "counts", "held", "latency", "processed", "failed", "processedTotal", "failedTotal"],
);

const server: Schema = object(
  {
    id: text,
    host: text,
    pid: whole,
    startedAt: time,
    status: text,
    concurrency: whole,
    queues: { type: "object", description: "The weight of each queue." },
    active: whole,
  },
  ["id", "host", "pid", "startedAt", "status", "concurrency", "queues", "active"],
);

export const taskSchema: Schema = object(
  {
    id: text,
    queue: text,
    type: text,
    state,
    payload: { ...text, description: "As text when it is UTF-8, otherwise base64; lists cut it at 4 KiB." },
    encoding: { type: "string", enum: ["base64"] },
    headers: { type: "object" },
    key: { ...text, description: "What orders it, when it was enqueued with a key." },
    group: text,
    enqueuedAt: time,
    runAt: {
      ...time,
      description: "When it may run: of scheduled and retry tasks. Milliseconds since 1970.",
    },
    retried: { ...whole, description: "Failed attempts so far." },
    maxRetry: whole,
    lastError: text,
    lastFailedAt: time,
    timeout: { ...ms, description: "Of one attempt, in milliseconds; 0: none." },
    deadline: { ...time, description: "Milliseconds since 1970; 0: none." },
    retention: { ...ms, description: "How long it is kept once it is done, in milliseconds." },
    completedAt: time,
    result: text,
    progress: { ...text, description: "What its handler said last; JSON." },
    owner: { ...text, description: "Who works on it." },
  },
  [
    "id",
    "queue",
    "type",
    "state",
    "payload",
    "headers",
    "retried",
    "maxRetry",
    "timeout",
    "deadline",
    "retention",
  ],
);

const run: Schema = object(
  {
    at: { ...time, description: "The planned time, in milliseconds since 1970." },
    outcome: { type: "string", enum: ["running", "done", "failed", "skipped"] },
    startedAt: time,
    durationMs: whole,
    error: text,
    cause: { type: "string", enum: ["manual", "catch-up", "overlap", "paused", "missed"] },
    owner: text,
  },
  ["at", "outcome", "owner"],
);

const schedule: Schema = object(
  {
    entry: { ...text, description: "The service." },
    cron: text,
    timezone: text,
    paused: flag,
    next: { type: "array", items: time, description: "The next planned times." },
    lastAt: time,
    last: run,
    running: whole,
  },
  ["entry", "cron", "timezone", "paused", "next", "running"],
);

export const brokersSchema = listOf("brokers", object({ name: text, scheme: text }, ["name", "scheme"]));
export const queuesSchema = listOf("queues", queueInfo, { broker: text });
export const queueSchema: Schema = object(
  { broker: text, queue: queueInfo, servers: { type: "array", items: server } },
  ["broker", "queue", "servers"],
);
export const historySchema = listOf(
  "days",
  object({ day: text, processed: whole, failed: whole }, ["day", "processed", "failed"]),
  { queue: text },
);
export const queuePauseSchema = object({ queue: text, paused: flag }, ["queue", "paused"]);
const acted = {
  count: { ...whole, description: "To how many tasks it was done; with `dryRun`, to how many it would be." },
  dryRun: flag,
  more: { ...flag, description: "The count was given up there: there are more." },
};
export const drainSchema: Schema = object({ queue: text, ...acted }, ["queue", "count", "dryRun"]);
export const actSchema: Schema = object(
  {
    ...acted,
    refused: {
      type: "array",
      items: object({ id: text, state, unmeant: flag }, ["id"]),
      description:
        "Of the ids that were named, those it could not be done to; without a state there is no such task, and unmeant says that the rest of the filter keeps it out.",
    },
  },
  ["count", "dryRun"],
);
export const tasksSchema: Schema = object(
  {
    tasks: { type: "array", items: taskSchema },
    next: { ...text, description: "What to pass as `after` for the next page; absent on the last one." },
    broken: {
      type: "array",
      items: object({ queue: text, problem: text }, ["queue", "problem"]),
      description: "Queues that could not be looked into; absent: all could.",
    },
  },
  ["tasks"],
);
export const enqueuedSchema: Schema = object({ id: text, queue: text, state }, ["id", "queue", "state"]);
export const schedulesSchema = listOf("schedules", schedule);
export const runsSchema = listOf("runs", run, { entry: text });
export const nextSchema = listOf("next", time, { entry: text });
export const runNowSchema: Schema = object({ entry: text, run }, ["entry", "run"]);
export const schedulePauseSchema: Schema = object({ entry: text, paused: flag }, ["entry", "paused"]);

const duration: Schema = { type: "string", description: "Like `30s`, or milliseconds." };
export const enqueueSchema: Schema = object(
  {
    type: text,
    payload: { description: "Any JSON." },
    queue: { ...text, default: "default" },
    delay: { ...duration, description: "Not before this long from now, like `30s`, or milliseconds." },
    at: { ...text, description: "Not before this time: a date, or milliseconds since 1970." },
    key: { ...text, description: "Tasks with the same key are handled one after the other." },
    id: text,
    unique: {
      ...duration,
      description: "No second one with the same type, payload and queue for this long.",
    },
    maxRetry: { ...whole, default: 25 },
    timeout: duration,
    deadline: {
      ...text,
      description: "A date, or milliseconds since 1970: after it no attempt begins or goes on.",
    },
    retention: duration,
    group: text,
    headers: { type: "object" },
  },
  ["type"],
);
export const selectionSchema: Schema = object(
  {
    queue: { ...text, description: "Absent: all queues of the broker." },
    ids: { type: "array", items: text, maxItems: 1_000 },
    state,
    type: { ...text, description: "A task type, or the beginning of one followed by `*`." },
    since: { ...text, description: "Enqueued, failed or completed since: a date, or `1h`." },
    error: { ...text, description: "Found in the last error, ignoring case." },
    all: { ...flag, description: "Needed when nothing of the others is said: all tasks are meant." },
  },
  [],
);

function listOf(name: string, items: Schema, others: Readonly<Record<string, Schema>> = {}): Schema {
  return object({ ...others, [name]: { type: "array", items } }, [...Object.keys(others), name]);
}

function object(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: "object", properties, required };
}
