import type { EnqueueResult, NewTask } from "../../driver.ts";
import type { Store, Task } from "./store.ts";
import { expire, queueOf, wait } from "./store.ts";

/** The id goes before the lock: whoever enqueues its own task again meets itself, not a duplicate. */
export function enqueueOne(store: Store, made: NewTask, now: number): EnqueueResult {
  const refused = refusal(store, made, now);
  if (refused) return { tag: refused };
  const queue = queueOf(store, made.queue);
  const due = Math.max(now, made.runAt ?? now);
  if (made.unique) {
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

/** Why it cannot be enqueued, if so; `isGone` says which tasks do not count. */
export function refusal(
  store: Store,
  { queue: name, id, unique }: NewTask,
  now: number,
  isGone: (task: Task) => boolean = () => false,
): "conflict" | "duplicate" | undefined {
  const queue = queueOf(store, name);
  expire(queue, now);
  const same = queue.tasks.get(id);
  if (same && !isGone(same)) return "conflict";
  const lock = unique && queue.locks.get(unique.key);
  if (!lock || lock.until <= now) return undefined;
  const holder = queue.tasks.get(lock.id);
  return holder && isGone(holder) ? undefined : "duplicate";
}
