import type { Delivery, Payload, Settlement, SettleResult } from "../../driver.ts";
import { deadInstead } from "../taken-next.ts";
import { showable } from "../task-view.ts";
import { enqueueOne, refusal } from "./enqueue.ts";
import type { MemoryDelivery, Queue, Store, Task } from "./store.ts";
import { archive, countAttempt, keep, queueOf, remove, unblock, wait } from "./store.ts";

/** One settlement, if the lease of its delivery is still the current one. */
export function settleOne(store: Store, settlement: Settlement, now: number): SettleResult {
  const task = leased(store, settlement.delivery);
  if (!task) return "lost";
  const next = settlement.tag === "ack" ? settlement.next : undefined;
  if (next && refusal(store, next, now)) {
    settleOne(store, deadInstead(settlement, next), now);
    return "archived";
  }
  const queue = queueOf(store, task.made.queue);
  const { unblocks, heir } = settlement;
  if (unblocks !== undefined) {
    if (heir && queue.blocked.get(unblocks)?.has(task.made.id)) block(store, queue, unblocks, heir);
    unblock(queue, task.made.id, unblocks);
  }
  switch (settlement.tag) {
    case "ack":
      complete(queue, task, settlement.result, now);
      if (next) enqueueOne(store, next, now);
      break;
    case "retry":
      retry(queue, task, settlement, now);
      break;
    case "dead":
      fail(queue, task, settlement.error, now);
      archive(queue, task, now);
      break;
    case "release":
      wait(queue, task, "pending");
      break;
    case "hold":
      if (settlement.behind && !queue.blocked.has(settlement.key)) {
        block(store, queue, settlement.key, settlement.behind);
      }
      return hold(queue, task, settlement.key);
  }
  return "settled";
}

/** The task of a delivery, as long as that is the one that may settle it. */
export function leased(store: Store, delivery: Delivery): Task | undefined {
  const task = store.queues.get(delivery.queue)?.tasks.get(delivery.id);
  return task?.lease && task.lease.token === (delivery as MemoryDelivery).token ? task : undefined;
}

function complete(queue: Queue, task: Task, result: Payload | undefined, now: number): void {
  countAttempt(queue, now, false);
  unblock(queue, task.made.id);
  if (task.made.retention <= 0) {
    remove(queue, task);
    return;
  }
  keep(queue, task, now);
  if (result !== undefined) task.result = result;
}

function retry(queue: Queue, task: Task, how: Settlement & { tag: "retry" }, now: number): void {
  task.lastError = showable(how.error);
  task.lastFailedAt = now;
  if (how.counts) {
    task.retried++;
    countAttempt(queue, now, true);
  }
  if (how.blocks !== undefined) addBlocker(queue, how.blocks, task);
  task.due = how.at;
  wait(queue, task, "retry");
}

function fail(queue: Queue, task: Task, error: string, now: number): void {
  task.lastError = showable(error);
  task.lastFailedAt = now;
  countAttempt(queue, now, true);
}

/** Later ones of `key` wait for this delivery, as long as that is ours. */
function block(store: Store, queue: Queue, key: string, delivery: Delivery): void {
  const task = leased(store, delivery);
  if (task) addBlocker(queue, key, task);
}

function addBlocker(queue: Queue, key: string, task: Task): void {
  const by = queue.blocked.get(key) ?? new Set();
  queue.blocked.set(key, by.add(task.made.id));
}

/** A key that nothing blocks any more, or the task itself, holds nothing: the task would wait for ever. */
function hold(queue: Queue, task: Task, key: string): SettleResult {
  wait(queue, task, "pending");
  const blockers = queue.blocked.get(key);
  if (!blockers || blockers.has(task.made.id)) return "released";
  task.phase = "held";
  task.heldFor = key;
  return "settled";
}
