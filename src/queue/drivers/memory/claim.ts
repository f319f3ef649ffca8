import type { QueueWeight } from "../../driver.ts";
import { shares } from "../queue-choice.ts";
import type { MemoryDelivery, Queue, Store, Task } from "./store.ts";
import { isWaiting, queueOf, wait } from "./store.ts";

export interface Claim {
  readonly queues: readonly QueueWeight[];
  readonly strict: boolean;
  readonly max: number;
  readonly lease: number;
  readonly owner: string;
  readonly random: () => number;
}

/** Up to `max` tasks that are due, leased to the owner. */
export function claim(store: Store, asked: Claim, now: number): MemoryDelivery[] {
  const wanted = shares(asked.queues, asked.strict, asked.max, asked.random);
  const taken: MemoryDelivery[] = [];
  for (const { queue, share } of wanted) taken.push(...takeFrom(store, queue, share, asked, now));
  // What one queue could not give is taken from the others.
  for (const { queue } of wanted) taken.push(...takeFrom(store, queue, asked.max - taken.length, asked, now));
  return taken;
}

/** Tasks whose lease has run out go back to their places: whoever had them died, or froze. */
export function recover(store: Store, now: number): void {
  for (const queue of store.queues.values()) {
    for (const task of queue.active) {
      if ((task.lease?.until ?? 0) > now) continue;
      if (task.crashes === 0 || task.lease?.begun) task.crashes++;
      wait(queue, task, "pending");
    }
  }
}

/** When the next task or lease of these queues falls due, if any does. */
export function nextDue(store: Store, queues: readonly QueueWeight[]): number {
  let next = Infinity;
  for (const { queue: name } of queues) {
    const queue = queueOf(store, name);
    if (!queue.paused) next = Math.min(next, first(queue)?.due ?? Infinity);
    for (const task of queue.active) next = Math.min(next, task.lease?.until ?? Infinity);
  }
  return next;
}

export function deliveryOf(queue: Queue, task: Task, token: number): MemoryDelivery {
  const { made } = task;
  return {
    id: made.id,
    queue: queue.name,
    type: made.type,
    payload: made.payload,
    headers: made.headers ?? {},
    ...(made.key === undefined ? {} : { key: made.key }),
    enqueuedAt: task.enqueuedAt,
    dueAt: task.due,
    retried: task.retried,
    maxRetry: made.maxRetry,
    crashes: task.crashes,
    timeout: made.timeout,
    deadline: made.deadline,
    retention: made.retention,
    token,
  };
}

function takeFrom(store: Store, name: string, max: number, asked: Claim, now: number): MemoryDelivery[] {
  const queue = queueOf(store, name);
  const taken: MemoryDelivery[] = [];
  while (!queue.paused && taken.length < max) {
    const task = first(queue);
    if (!task || task.due > now) break;
    queue.waiting.pop();
    task.phase = "active";
    task.lease = { token: ++store.count, owner: asked.owner, until: now + asked.lease };
    queue.active.add(task);
    taken.push(deliveryOf(queue, task, task.lease.token));
  }
  return taken;
}

function first(queue: Queue): Task | undefined {
  for (let top = queue.waiting.peek(); top; top = queue.waiting.peek()) {
    const isCurrent =
      isWaiting(top.task) && top.task.due === top.due && queue.tasks.get(top.task.made.id) === top.task;
    if (isCurrent) return top.task;
    queue.waiting.pop();
  }
  return undefined;
}
