import type { EnqueueResult, NewTask } from "../../driver.ts";
import type { Store, Task } from "./store.ts";
import { expire, queueOf, wait } from "./store.ts";

/** The id goes before the lock: whoever enqueues its own task again meets itself, not a duplicate. */
export function enqueueOne(store: Store, made: NewTask, now: number): EnqueueResult {
  const queue = queueOf(store, made.queue);
  expire(queue, now);
  if (queue.tasks.has(made.id)) return { tag: "conflict" };
  const due = Math.max(now, made.runAt ?? now);
  if (made.unique) {
    const lock = queue.locks.get(made.unique.key);
    if (lock && lock.until > now) return { tag: "duplicate" };
    // A task that has to wait first is locked until then, too.
    queue.locks.set(made.unique.key, { id: made.id, until: due + made.unique.ttl });
  }
  const task: Task = {
    made,
    enqueuedAt: now,
    seq: ++store.count,
    phase: made.group === undefined ? "pending" : "aggregating",
    due,
    retried: 0,
    crashes: 0,
  };
  queue.tasks.set(made.id, task);
  if (made.group !== undefined) return { tag: "enqueued", state: "aggregating" };
  const phase = due > now ? "scheduled" : "pending";
  wait(queue, task, phase);
  return { tag: "enqueued", state: phase };
}
