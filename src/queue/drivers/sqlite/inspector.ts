import type { QueueInfo, TaskInfo } from "../../../core/task.ts";
import { taskStates } from "../../../core/task.ts";
import type { Inspector, Payload } from "../../driver.ts";
import { dayOf, payloadView } from "../task-view.ts";
import { actOn } from "./act.ts";
import type { Ask, Row } from "./ask.ts";
import { listServers } from "./owners.ts";
import type { Found } from "./scan.ts";
import { find, scan, stateOf } from "./scan.ts";
import { lanes } from "./schema.ts";
import type { Store } from "./store.ts";

export function createInspector(store: () => Store, wall: () => number): Inspector {
  const read = <T>(question: (ask: Ask) => T): Promise<T> => {
    const { commit, ask } = store();
    return commit.read(() => question(ask));
  };
  const setPaused = (name: string, paused: 0 | 1) => {
    const { commit, ask } = store();
    return commit.write((tx) => {
      ask.run("UPDATE queues SET paused = ? WHERE id = ?", paused, tx.queue(name));
      tx.touch(tx.queue(name));
    });
  };
  return {
    queues: () =>
      read((ask) => ask.all("SELECT * FROM queues ORDER BY name").map((row) => queueInfo(ask, row, wall()))),
    history(name, days) {
      const recent = Array.from({ length: days }, (_, ago) => dayOf(wall() - ago * 86_400_000));
      return read((ask) => recent.map((day) => ({ day, ...countsOf(ask, name, day) })));
    },
    pause: (name) => setPaused(name, 1),
    resume: (name) => setPaused(name, 0),
    async tasks(name, filter, { limit, after }) {
      const queue = await read((ask) => ask.one("SELECT id FROM queues WHERE name = ?", name)?.id);
      if (queue === undefined) return { tasks: [] };
      const asked = { queue: Number(queue), filter, states: taskStates, now: wall() };
      const found = filter.ids
        ? await find(store(), asked)
        : await upTo(limit + 1, scan(store(), after === undefined ? asked : { ...asked, after }));
      const page = found.slice(0, filter.ids ? found.length : limit);
      const tasks = await read((ask) => page.flatMap(({ seq }) => infoOf(ask, "t.seq = ?", [seq], wall())));
      const next = found.length > page.length ? page.at(-1)?.cursor : undefined;
      return { tasks, ...(next === undefined ? {} : { next }) };
    },
    async task(name, id) {
      const where = "t.queue = (SELECT id FROM queues WHERE name = ?) AND t.id = ?";
      return read((ask) => infoOf(ask, where, [name, id], wall())[0]);
    },
    act: (name, action, filter) => actOn(store(), name, action, filter, wall()),
    servers: () => read(listServers),
  };
}

async function upTo(limit: number, slices: AsyncGenerator<Found[]>): Promise<Found[]> {
  const found: Found[] = [];
  for await (const slice of slices) {
    found.push(...slice);
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

function queueInfo(ask: Ask, row: Row, now: number): QueueInfo {
  const queue = Number(row.id);
  const count = (where: string, ...values: number[]) =>
    Number(ask.one(`SELECT count(*) AS n FROM tasks WHERE queue = ? AND ${where}`, queue, ...values)?.n);
  const first = (lane: number) =>
    ask.one("SELECT run_at FROM tasks WHERE queue = ? AND lane = ? ORDER BY run_at LIMIT 1", queue, lane)
      ?.run_at;
  const inLane = (lane: number) => count("lane = ?", lane);
  const held = inLane(lanes.held);
  const later = count("lane = 0 AND run_at > ?", now);
  const retry = count("lane = 0 AND failed_at IS NOT NULL AND run_at > ?", now);
  const oldest = Math.min(Number(first(lanes.waiting) ?? now), Number(first(lanes.held) ?? now), now);
  return {
    queue: String(row.name),
    paused: row.paused === 1,
    counts: {
      pending: count("lane = 0 AND run_at <= ?", now) + held,
      active: inLane(lanes.active),
      scheduled: later - retry,
      retry,
      archived: inLane(lanes.archived),
      completed: inLane(lanes.completed) - count("lane = 5 AND expires <= ?", now),
      aggregating: inLane(lanes.aggregating),
    },
    held,
    latency: now - oldest,
    ...countsOf(ask, String(row.name), dayOf(now)),
    processedTotal: Number(row.processed),
    failedTotal: Number(row.failed),
  };
}

function countsOf(ask: Ask, queue: string, day: string): { processed: number; failed: number } {
  const text =
    "SELECT processed, failed FROM days WHERE queue = (SELECT id FROM queues WHERE name = ?) AND day = ?";
  const row = ask.one(text, queue, day);
  return { processed: Number(row?.processed ?? 0), failed: Number(row?.failed ?? 0) };
}

function infoOf(ask: Ask, where: string, values: readonly (string | number)[], now: number): TaskInfo[] {
  const rows = ask.all(
    `SELECT t.*, coalesce(t.payload, b.payload) AS body, q.name AS queue_name, o.name AS owner_name
     FROM tasks t LEFT JOIN bodies b ON b.seq = t.seq JOIN queues q ON q.id = t.queue
     LEFT JOIN owners o ON o.id = t.owner WHERE ${where} AND NOT (t.lane = 5 AND t.expires <= ?)`,
    ...values,
    now,
  );
  return rows.map((row) => taskInfo(row, now));
}

function taskInfo(row: Row, now: number): TaskInfo {
  const state = stateOf(Number(row.lane), Number(row.run_at), row.failed_at !== null, now);
  return {
    id: String(row.id),
    queue: String(row.queue_name),
    type: String(row.type),
    state,
    ...payloadView(row.body as Payload),
    headers: row.headers === null ? {} : JSON.parse(String(row.headers)),
    ...(row.key === null ? {} : { key: String(row.key) }),
    ...(row.grp === null ? {} : { group: String(row.grp) }),
    enqueuedAt: Number(row.enqueued_at),
    ...(state === "scheduled" || state === "retry" ? { runAt: Number(row.run_at) } : {}),
    retried: Number(row.retried),
    maxRetry: Number(row.max_retry),
    ...(row.last_error === null ? {} : { lastError: String(row.last_error) }),
    ...(row.failed_at === null ? {} : { lastFailedAt: Number(row.failed_at) }),
    timeout: Number(row.timeout),
    deadline: Number(row.deadline),
    retention: Number(row.retention),
    ...(state === "completed" ? { completedAt: Number(row.run_at) } : {}),
    ...(row.result === null ? {} : { result: payloadView(row.result as Payload).payload }),
    ...(row.progress === null ? {} : { progress: String(row.progress) }),
    ...(row.owner_name === null ? {} : { owner: String(row.owner_name) }),
  };
}
