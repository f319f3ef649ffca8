import { parseMoment } from "../core/moment.ts";
import type { EnqueueRequest, QueueCommand, TaskSelection } from "../core/queue-command.ts";
import type { TaskAction } from "../core/task.ts";
import { taskStates } from "../core/task.ts";
import { ApiError } from "./api-error.ts";
import { choiceOf, countOf, isSet, wrong } from "./query.ts";
import { queueRoutes } from "./queue-routes.ts";

export type QueueOperation = keyof typeof queueRoutes;

export interface QueueRequest {
  readonly url: URL;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function isQueueOperation(operation: string): operation is QueueOperation {
  return Object.hasOwn(queueRoutes, operation);
}

/** What a request to the API asks of the brokers. @throws ApiError BAD_REQUEST */
export function queueCommandOf(operation: QueueOperation, request: QueueRequest): QueueCommand {
  const broker = request.url.searchParams.get("broker");
  return { ...commands[operation](request), ...(broker === null ? {} : { broker }) };
}

/** Ids that one request may name. */
const mostIds = 1_000;

const commands: Readonly<Record<QueueOperation, (request: QueueRequest) => QueueCommand>> = {
  brokers: () => ({ tag: "brokers" }),
  queues: () => ({ tag: "queues" }),
  queue: (request) => ({ tag: "queue", queue: nameIn(request) }),
  queueHistory: (request) => ({
    tag: "history",
    queue: nameIn(request),
    days: countOf(request.url, "days", { usual: 7, least: 1, most: 90 }),
  }),
  pauseQueue: (request) => ({ tag: "pause", queue: nameIn(request) }),
  resumeQueue: (request) => ({ tag: "resume", queue: nameIn(request) }),
  drainQueue: (request) => ({ tag: "drain", queue: nameIn(request), dryRun: isDry(request) }),
  tasks({ url, now }) {
    const query = Object.fromEntries(url.searchParams);
    const ids = url.searchParams.getAll("id");
    const after = url.searchParams.get("after");
    return {
      tag: "tasks",
      ...selectionOf({ ...query, ...(ids.length > 0 ? { ids } : {}) }, now),
      limit: countOf(url, "limit", { usual: 100, least: 1, most: 1_000 }),
      ...(after === null ? {} : { after }),
    };
  },
  task({ url, parameters }) {
    const queue = url.searchParams.get("queue");
    return { tag: "task", id: parameters.id as string, ...(queue === null ? {} : { queue }) };
  },
  enqueueTask({ body }) {
    if (typeof body.type !== "string")
      throw wrong("type", body.type, 'Say which: { "type": "mail:welcome" }.');
    return { tag: "enqueue", task: body as EnqueueRequest };
  },
  runTasks: (request) => act("run", request),
  retryTasks: (request) => act("retry", request),
  archiveTasks: (request) => act("archive", request),
  deleteTasks: (request) => act("delete", request),
  cancelTasks: (request) => act("cancel", request),
  schedules: () => ({ tag: "schedules" }),
  scheduleHistory: (request) => ({
    tag: "runs",
    entry: nameIn(request),
    limit: countOf(request.url, "n", { usual: 20, least: 1, most: 1_000 }),
  }),
  scheduleNext: (request) => ({
    tag: "next",
    entry: nameIn(request),
    count: countOf(request.url, "n", { usual: 5, least: 1, most: 1_000 }),
  }),
  runSchedule: (request) => ({ tag: "runNow", entry: nameIn(request) }),
  pauseSchedule: (request) => ({ tag: "pauseSchedule", entry: nameIn(request) }),
  resumeSchedule: (request) => ({ tag: "resumeSchedule", entry: nameIn(request) }),
};

function act(action: TaskAction, request: QueueRequest): QueueCommand {
  const selection = selectionOf(request.body, request.now);
  const meansAll = selection.queue === undefined && Object.keys(selection.filter).length === 0;
  if (meansAll && request.body.all !== true) {
    throw new ApiError(
      400,
      "BAD_REQUEST",
      `The body does not say which tasks to ${action}`,
      'Say queue, ids, state, type, since or error; or { "all": true }.',
    );
  }
  return { tag: "act", action, ...selection, dryRun: isDry(request) };
}

function selectionOf(from: Readonly<Record<string, unknown>>, now: number): TaskSelection {
  const queue = textOf("queue", from.queue);
  const state = choiceOf("state", from.state, taskStates);
  const type = textOf("type", from.type);
  const error = textOf("error", from.error);
  const since = sinceOf(from.since, now);
  const ids = idsOf(from.ids);
  return {
    ...(queue === undefined ? {} : { queue }),
    filter: {
      ...(ids === undefined ? {} : { ids }),
      ...(state === undefined ? {} : { state }),
      ...(type === undefined ? {} : { type }),
      ...(since === undefined ? {} : { since }),
      ...(error === undefined ? {} : { error }),
    },
  };
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "") return value;
  throw wrong(name, value, "A text that is not empty.");
}

function sinceOf(value: unknown, now: number): number | undefined {
  if (value === undefined) return undefined;
  const time = typeof value === "number" ? value : parseMoment(String(value), now, "ago");
  if (time !== undefined && Number.isFinite(time)) return time;
  throw wrong("since", value, "A date like 2026-11-21T10:00:00Z, or how long ago, like 1h.");
}

function idsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const isList = Array.isArray(value) && value.every((id) => typeof id === "string" && id !== "");
  if (isList && value.length > 0 && value.length <= mostIds) return value;
  throw wrong(
    "ids",
    Array.isArray(value) ? `${value.length} of them` : value,
    `A list of 1 to ${mostIds} texts.`,
  );
}

function isDry({ url }: QueueRequest): boolean {
  return isSet(url, "dry_run", false);
}

function nameIn({ parameters }: QueueRequest): string {
  return parameters.name as string;
}
