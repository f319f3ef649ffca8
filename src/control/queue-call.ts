import type { QueueCommand, TaskSelection } from "../core/queue-command.ts";

/** A request to the API of a running supervisor; `path` is below `/api/v1`. */
export interface ApiCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
}

/** The request that asks for a command: what `queueCommandOf` reads again. */
export function queueCallOf(command: QueueCommand): ApiCall {
  const call = callOf(command);
  const query = new URLSearchParams(
    Object.entries({ ...call.query, broker: command.broker }).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  ).toString();
  return {
    method: call.method,
    path: query ? `${call.path}?${query}` : call.path,
    ...(call.body === undefined ? {} : { body: call.body }),
  };
}

type Value = string | number | boolean | undefined | readonly string[];
interface Call extends ApiCall {
  readonly query?: Readonly<Record<string, Value>>;
}

function callOf(command: QueueCommand): Call {
  switch (command.tag) {
    case "brokers":
    case "queues":
    case "schedules":
      return get(`/${command.tag}`);
    case "queue":
      return get(`/queues/${encoded(command.queue)}`);
    case "history":
      return get(`/queues/${encoded(command.queue)}/history`, { days: command.days });
    case "pause":
    case "resume":
      return post(`/queues/${encoded(command.queue)}/${command.tag}`);
    case "drain":
      return post(`/queues/${encoded(command.queue)}/drain`, undefined, { dry_run: command.dryRun });
    case "tasks": {
      const { ids, ...filter } = command.filter;
      const { queue, limit, after } = command;
      return get("/tasks", { queue, id: ids, ...filter, limit, after });
    }
    case "task":
      return get(`/tasks/${encoded(command.id)}`, { queue: command.queue });
    case "enqueue":
      return post("/tasks", command.task);
    case "act":
      return post(`/tasks/${command.action}`, selectionBody(command), { dry_run: command.dryRun });
    case "runs":
      return get(`/schedules/${encoded(command.entry)}/history`, { n: command.limit });
    case "next":
      return get(`/schedules/${encoded(command.entry)}/next`, { n: command.count });
    case "runNow":
      return post(`/schedules/${encoded(command.entry)}/run`);
    case "pauseSchedule":
      return post(`/schedules/${encoded(command.entry)}/pause`);
    case "resumeSchedule":
      return post(`/schedules/${encoded(command.entry)}/resume`);
  }
}

/** Whoever builds a command means what it says: also all tasks, when it says nothing. */
function selectionBody({ queue, filter }: TaskSelection): unknown {
  const isEmpty = queue === undefined && Object.keys(filter).length === 0;
  return { ...(queue === undefined ? {} : { queue }), ...filter, ...(isEmpty ? { all: true } : {}) };
}

function get(path: string, query: Call["query"] = {}): Call {
  return { method: "GET", path, query };
}

function post(path: string, body?: unknown, query: Call["query"] = {}): Call {
  return { method: "POST", path, body, query };
}

function encoded(name: string): string {
  return encodeURIComponent(name);
}
