import type { EnqueueResult, NewTask, Payload } from "../../driver.ts";
import { showable } from "../task-view.ts";
import { lanes } from "./schema.ts";
import type { Transaction } from "./steps.ts";

/** Larger payloads, in characters or bytes, have a table of their own. */
const inRow = 4_000;

/** The id goes before the lock: whoever enqueues its own task again meets itself, not a duplicate. */
export function insertTask(tx: Transaction, task: NewTask): EnqueueResult {
  const { sql, now } = tx;
  const queue = tx.queue(task.queue);
  const runAt = Math.max(now, Math.ceil(task.runAt ?? now));
  const lock = task.unique && showable(task.unique.key);
  if (task.unique && lock !== undefined) {
    if (sql.findId.get(queue, task.id)) return { tag: "conflict" };
    // A task that has to wait first is locked until then, too.
    const until = Math.min(runAt + task.unique.ttl, Number.MAX_SAFE_INTEGER);
    if (changes(sql.lock.run(queue, lock, task.id, until, now)) === 0) return { tag: "duplicate" };
  }
  const payload = storable(task.payload);
  const isLarge = payload.length > inRow;
  const inserted = sql.insert.run(
    queue,
    task.id,
    task.group === undefined ? lanes.waiting : lanes.aggregating,
    runAt,
    now,
    task.maxRetry,
    task.timeout,
    task.deadline,
    task.retention,
    task.type,
    task.key ?? null,
    task.headers && Object.keys(task.headers).length > 0 ? JSON.stringify(task.headers) : null,
    lock ?? null,
    task.group ?? null,
    isLarge ? null : payload,
  );
  if (changes(inserted) === 0) return { tag: "conflict" };
  if (isLarge) sql.insertBody.run(inserted.lastInsertRowid, payload);
  if (task.group !== undefined) return { tag: "enqueued", state: "aggregating" };
  tx.touch(queue);
  return runAt > now ? scheduled : pending;
}

/** How many rows a statement changed. */
export function changes(result: { readonly changes: number | bigint }): number {
  return Number(result.changes);
}

/** Text with NUL is kept as bytes: Deno reads text only up to there. */
export function storable(payload: Payload): Payload {
  return typeof payload === "string" && payload.includes("\0") ? new TextEncoder().encode(payload) : payload;
}

const pending: EnqueueResult = { tag: "enqueued", state: "pending" };
const scheduled: EnqueueResult = { tag: "enqueued", state: "scheduled" };
