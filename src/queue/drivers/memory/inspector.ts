import { hostname } from "node:os";
import type { TaskAction, TaskFilter, TaskInfo, TaskState } from "../../../core/task.ts";
import { taskStates } from "../../../core/task.ts";
import type { Inspector } from "../../driver.ts";
import { dayOf, isMeant, noCounts, ownerParts, payloadView, placeAfter } from "../task-view.ts";
import type { Queue, Store, Task } from "./store.ts";
import { archive, changed, expire, queueOf, remove, stateOf, wait } from "./store.ts";

export function createInspector(store: Store, wall: () => number): Inspector {
  const known = (name: string) => {
    const queue = store.queues.get(name);
    if (queue) expire(queue, wall());
    return queue;
  };
  const meant = (queue: string, filter: TaskFilter) => {
    const now = wall();
    const tasks = [...(known(queue)?.tasks.values() ?? [])].filter((task) =>
      isMeant({ id: task.made.id, type: task.made.type, ...about(task, now) }, filter),
    );
    return tasks.sort((a, b) => order(a, b, now));
  };
  return {
    async queues() {
      return [...store.queues.keys()].flatMap((name) => {
        const queue = known(name);
        return queue ? [queueInfo(queue, wall())] : [];
      });
    },
    async history(name, days) {
      const counted = known(name)?.days;
      const recent = Array.from({ length: days }, (_, ago) => dayOf(wall() - ago * 86_400_000));
      return recent.map((day) => ({ day, ...(counted?.get(day) ?? { processed: 0, failed: 0 }) }));
    },
    async pause(name) {
      queueOf(store, name).paused = true;
    },
    async resume(name) {
      queueOf(store, name).paused = false;
      changed(store);
    },
    async tasks(name, filter, { limit, after }) {
      const all = meant(name, filter);
      const from = after === undefined ? 0 : placeIn(all, after);
      const page = all.slice(from, from + limit);
      const last = page.at(-1);
      const more = last && from + limit < all.length;
      const tasks = page.map((task) => taskInfo(task, wall()));
      return { tasks, ...(more ? { next: `${from + limit}:${last.made.id}` } : {}) };
    },
    async task(name, id) {
      const task = known(name)?.tasks.get(id);
      return task && taskInfo(task, wall());
    },
    async act(name, action, filter) {
      const queue = queueOf(store, name);
      const done = meant(name, filter).filter((task) => actOn(store, queue, task, action, wall()));
      changed(store);
      return done.length;
    },
    async servers() {
      return [...store.consumers].map(({ owner, concurrency, startedAt, queues }) => ({
        id: owner,
        ...ownerParts(owner),
        host: ownerParts(owner).host || hostname(),
        startedAt,
        status: "active",
        concurrency,
        queues,
        active: [...store.queues.values()].reduce((sum, queue) => sum + heldBy(queue, owner), 0),
      }));
    },
  };
}

/** Whether it could be done to this task. */
function actOn(store: Store, queue: Queue, task: Task, action: TaskAction, now: number): boolean {
  const state = stateOf(task, now);
  if (action === "cancel") {
    if (state !== "active") return false;
    for (const { onCancel } of store.consumers) onCancel(task.made.id);
    return true;
  }
  if (state === "active") return false;
  if (action === "delete") remove(queue, task);
  else if (action === "archive") {
    if (state === "archived" || state === "completed") return false;
    archive(queue, task, now);
  } else {
    const ended = state === "archived" || state === "completed";
    if (state === "pending" || (ended && action === "run")) return false;
    if (action === "retry") task.retried = 0;
    delete task.endedAt;
    task.due = now;
    wait(queue, task, "pending");
  }
  return true;
}

function queueInfo(queue: Queue, now: number) {
  const counts = noCounts();
  let held = 0;
  let oldest = now;
  for (const task of queue.tasks.values()) {
    const state = stateOf(task, now);
    counts[state]++;
    if (task.phase === "held") held++;
    if (state === "pending") oldest = Math.min(oldest, task.due);
  }
  const total = { processed: 0, failed: 0 };
  for (const day of queue.days.values()) {
    total.processed += day.processed;
    total.failed += day.failed;
  }
  return {
    queue: queue.name,
    paused: queue.paused,
    counts,
    held,
    latency: now - oldest,
    processed: queue.days.get(dayOf(now))?.processed ?? 0,
    failed: queue.days.get(dayOf(now))?.failed ?? 0,
    processedTotal: total.processed,
    failedTotal: total.failed,
  };
}

function taskInfo(task: Task, now: number): TaskInfo {
  const { made } = task;
  const state = stateOf(task, now);
  return {
    id: made.id,
    queue: made.queue,
    type: made.type,
    state,
    ...payloadView(made.payload),
    headers: made.headers ?? {},
    ...(made.key === undefined ? {} : { key: made.key }),
    ...(made.group === undefined ? {} : { group: made.group }),
    enqueuedAt: task.enqueuedAt,
    ...(state === "scheduled" || state === "retry" ? { runAt: task.due } : {}),
    retried: task.retried,
    maxRetry: made.maxRetry,
    ...(task.lastError === undefined ? {} : { lastError: task.lastError }),
    ...(task.lastFailedAt === undefined ? {} : { lastFailedAt: task.lastFailedAt }),
    timeout: made.timeout,
    deadline: made.deadline,
    retention: made.retention,
    ...(state === "completed" && task.endedAt !== undefined ? { completedAt: task.endedAt } : {}),
    ...(task.result === undefined ? {} : { result: payloadView(task.result).payload }),
    ...(task.progress === undefined ? {} : { progress: task.progress }),
    ...(task.lease ? { owner: task.lease.owner } : {}),
  };
}

/** What a filter looks at, besides what the task was made with. */
function about(task: Task, now: number): { state: TaskState; since: number; lastError?: string } {
  const state = stateOf(task, now);
  const failed = state === "retry" || state === "archived" ? (task.lastFailedAt ?? task.endedAt) : undefined;
  const ended = state === "completed" ? task.endedAt : undefined;
  return {
    state,
    since: failed ?? ended ?? task.enqueuedAt,
    ...(task.lastError === undefined ? {} : { lastError: task.lastError }),
  };
}

/** Behind the last task of a page, or where that was if it has gone. @throws RangeError */
function placeIn(all: readonly Task[], after: string): number {
  const [place, id] = placeAfter(after, /^(\d+):(.+)$/s);
  const index = all.findIndex((task) => task.made.id === id);
  return index < 0 ? Number(place) - 1 : index + 1;
}

/** By state; within one as they will run, those that ended the newest first. */
function order(a: Task, b: Task, now: number): number {
  const [one, other] = [stateOf(a, now), stateOf(b, now)];
  if (one !== other) return taskStates.indexOf(one) - taskStates.indexOf(other);
  if (a.endedAt !== undefined && b.endedAt !== undefined) return b.endedAt - a.endedAt || b.seq - a.seq;
  return a.due - b.due || a.seq - b.seq;
}

function heldBy(queue: Queue, owner: string): number {
  return [...queue.active].filter((task) => task.lease?.owner === owner).length;
}
