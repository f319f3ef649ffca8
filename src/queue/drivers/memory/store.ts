import type { ScheduleRun, TaskState } from "../../../core/task.ts";
import type { Delivery, NewTask, Payload } from "../../driver.ts";
import { dayOf } from "../task-view.ts";
import type { Placed } from "./heap.ts";
import { Heap } from "./heap.ts";

/** What a task waits for; `pending`, `scheduled` and `retry` run as soon as `due` has come. */
export type Phase = TaskState | "held";

export interface Task {
  readonly made: NewTask;
  readonly enqueuedAt: number;
  /** Of its first arrival: where it stands among those that became due at the same time. */
  readonly seq: number;
  phase: Phase;
  /** Its place: released, held and recovered tasks keep it. */
  due: number;
  retried: number;
  crashes: number;
  lease?: Lease;
  heldFor?: string;
  set?: string;
  lastError?: string;
  lastFailedAt?: number;
  /** When it was archived or completed. */
  endedAt?: number;
  result?: Payload;
  progress?: string;
}

export interface Lease {
  readonly token: number;
  readonly owner: string;
  until: number;
  /** As `Receiver.begin` was told. */
  begun?: true;
}

export interface MemoryDelivery extends Delivery {
  readonly token: number;
}

export interface Queue {
  readonly name: string;
  readonly tasks: Map<string, Task>;
  /** Entries whose task has another place or phase by now are passed over. */
  readonly waiting: Heap<Placed & { readonly task: Task }>;
  readonly active: Set<Task>;
  /** The oldest first. */
  readonly archived: Set<Task>;
  /** Completed tasks, by the end of their retention. */
  readonly expiring: Heap<Placed & { readonly task: Task }>;
  /** By ordering key: the ids of tasks that failed before, the one that came first before the others. */
  readonly blocked: Map<string, Set<string>>;
  readonly locks: Map<string, { readonly id: string; readonly until: number }>;
  readonly days: Map<string, { processed: number; failed: number }>;
  paused: boolean;
}

export interface Schedule {
  paused: boolean;
  lastAt?: number;
  /** By planned time. */
  readonly runs: ScheduleRun[];
}

export interface Store {
  readonly queues: Map<string, Queue>;
  readonly sets: Map<string, { readonly queue: string; until: number }>;
  readonly schedules: Map<string, Schedule>;
  /** Called after every change: each driver looks whether one of its receivers can go on. */
  readonly watchers: Set<() => void>;
  /** Everybody who consumes, told of cancels. */
  readonly consumers: Set<Consumer>;
  /** The next number: of arrivals, tokens and sets. */
  count: number;
}

export interface Consumer {
  readonly owner: string;
  readonly onCancel: (taskId: string) => void;
  readonly concurrency: number;
  readonly startedAt: number;
  readonly queues: Readonly<Record<string, number>>;
}

const stores = new Map<string, Store>();

/** The store of that name, for as long as the process lives: whoever opens it again finds what was left. */
export function storeOf(name: string): Store {
  const known = stores.get(name);
  if (known) return known;
  const store: Store = {
    queues: new Map(),
    sets: new Map(),
    schedules: new Map(),
    watchers: new Set(),
    consumers: new Set(),
    count: 0,
  };
  stores.set(name, store);
  return store;
}

export function queueOf(store: Store, name: string): Queue {
  const known = store.queues.get(name);
  if (known) return known;
  const queue: Queue = {
    name,
    tasks: new Map(),
    waiting: new Heap(),
    active: new Set(),
    archived: new Set(),
    expiring: new Heap(),
    blocked: new Map(),
    locks: new Map(),
    days: new Map(),
    paused: false,
  };
  store.queues.set(name, queue);
  return queue;
}

/** Tells everybody that something may have become possible. */
export function changed(store: Store): void {
  for (const watcher of store.watchers) watcher();
}

/** What operators call the phase of a task: one whose time has come is pending. */
export function stateOf(task: Task, now: number): TaskState {
  if (task.phase === "held") return "pending";
  return isWaiting(task) && task.due <= now ? "pending" : task.phase;
}

export function isWaiting(task: Task): boolean {
  return task.phase === "pending" || task.phase === "scheduled" || task.phase === "retry";
}

/** Puts a task among those that run as soon as `task.due` has come. */
export function wait(queue: Queue, task: Task, phase: "pending" | "scheduled" | "retry"): void {
  leave(queue, task);
  task.phase = phase;
  queue.waiting.push({ due: task.due, seq: task.seq, task });
}

/** Ends what a task was in: its lease, its hold, its set. */
export function leave(queue: Queue, task: Task): void {
  queue.active.delete(task);
  queue.archived.delete(task);
  delete task.lease;
  delete task.progress;
  delete task.heldFor;
  delete task.set;
}

/** This task holds back no key any more, or not `key`; those that nothing else holds back may go on. */
export function unblock(queue: Queue, id: string, key?: string): void {
  const freed = new Set<string>();
  for (const [blocked, by] of queue.blocked) {
    if ((key !== undefined && blocked !== key) || !by.delete(id) || by.size > 0) continue;
    queue.blocked.delete(blocked);
    freed.add(blocked);
  }
  if (freed.size === 0) return;
  for (const task of queue.tasks.values()) {
    if (task.heldFor !== undefined && freed.has(task.heldFor)) wait(queue, task, "pending");
  }
}

/** Removes a task and what it held. */
export function remove(queue: Queue, task: Task): void {
  leave(queue, task);
  unlock(queue, task);
  queue.tasks.delete(task.made.id);
  unblock(queue, task.made.id);
}

export function unlock(queue: Queue, task: Task): void {
  const key = task.made.unique?.key;
  if (key !== undefined && queue.locks.get(key)?.id === task.made.id) queue.locks.delete(key);
}

const archiveLimit = 10_000;
const archiveAge = 90 * 86_400_000;

/** To the dead letters; the oldest go when there are too many. */
export function archive(queue: Queue, task: Task, now: number): void {
  leave(queue, task);
  task.phase = "archived";
  task.endedAt = now;
  queue.archived.add(task);
  unblock(queue, task.made.id);
  for (const oldest of queue.archived) {
    if (queue.archived.size <= archiveLimit && (oldest.endedAt ?? 0) >= now - archiveAge) break;
    remove(queue, oldest);
  }
}

/** Keeps a task that is done for its retention. */
export function keep(queue: Queue, task: Task, now: number): void {
  leave(queue, task);
  unlock(queue, task);
  task.phase = "completed";
  task.endedAt = now;
  queue.expiring.push({ due: now + task.made.retention, seq: task.seq, task });
}

/** Removes the tasks whose retention is over. */
export function expire(queue: Queue, now: number): void {
  for (let next = queue.expiring.peek(); next && next.due <= now; next = queue.expiring.peek()) {
    queue.expiring.pop();
    const { task } = next;
    if (task.phase === "completed" && (task.endedAt ?? now) + task.made.retention <= now) remove(queue, task);
  }
}

/** Counts an attempt that has ended. */
export function countAttempt(queue: Queue, now: number, failed: boolean): void {
  const day = queue.days.get(dayOf(now)) ?? { processed: 0, failed: 0 };
  day.processed++;
  if (failed) day.failed++;
  queue.days.set(dayOf(now), day);
}
