import type { Settlement, SettleResult } from "../../driver.ts";
import { deadInstead } from "../taken-next.ts";
import { showable } from "../task-view.ts";
import type { SqliteDelivery } from "./claim.ts";
import { changes, insertTask, storable } from "./enqueue.ts";
import type { Statements } from "./statements.ts";
import type { Transaction } from "./steps.ts";

export const archiveAge = 90 * 86_400_000;

/** One settlement, if the lease of its delivery is still the current one. */
export function settleTask(tx: Transaction, settlement: Settlement): SettleResult {
  const delivery = settlement.delivery as SqliteDelivery;
  const next = settlement.tag === "ack" ? settlement.next : undefined;
  if (next && tx.sql.findId.get(tx.queue(next.queue), next.id)) {
    return settleTask(tx, deadInstead(settlement, next)) === "lost" ? "lost" : "archived";
  }
  passOn(tx, settlement, delivery);
  const result = settlement.tag === "hold" && !canHold(tx, settlement.key, delivery) ? "released" : "settled";
  if (!write(tx, settlement, delivery, result)) return "lost";
  const queue = delivery.queueNumber;
  switch (settlement.tag) {
    case "ack":
      tx.count(queue, 1, 0);
      if (delivery.lock !== null) tx.sql.unlock.run(queue, delivery.lock, delivery.id);
      if (next) insertTask(tx, next);
      break;
    case "retry":
      if (settlement.counts) tx.count(queue, 1, 1);
      tx.touch(queue);
      break;
    case "dead":
      tx.count(queue, 1, 1);
      tx.archived(queue);
      break;
    default:
      tx.touch(queue);
  }
  const isOver = settlement.tag === "ack" || settlement.tag === "dead";
  if (isOver && delivery.blocks !== null) freeHeld(tx, queue, delivery.blocks);
  if (settlement.unblocks !== undefined) freeHeld(tx, queue, settlement.unblocks);
  return result;
}

/** Makes another delivery block a key, where this settlement says so: what it is itself ends after that. */
function passOn({ sql }: Transaction, settlement: Settlement, { queueNumber, blocks }: SqliteDelivery): void {
  const { unblocks, heir } = settlement;
  if (heir && unblocks !== undefined && blocks === unblocks) block(sql, unblocks, heir as SqliteDelivery);
  if (settlement.tag !== "hold" || !settlement.behind) return;
  const { key, behind } = settlement;
  if (!sql.isBlocked.get(queueNumber, key)) block(sql, key, behind as SqliteDelivery);
}

function block(sql: Statements, key: string, delivery: SqliteDelivery): void {
  if (changes(sql.block.run(key, delivery.seq, delivery.token)) > 0) delivery.blocks = key;
}

/** A key that nothing blocks any more, or the task itself, holds nothing: the task would wait for ever. */
function canHold({ sql }: Transaction, key: string, { queueNumber, blocks }: SqliteDelivery): boolean {
  return blocks !== key && Boolean(sql.isBlocked.get(queueNumber, key));
}

/** The tasks that wait for `key` go back to their places, unless a task still blocks it. */
export function freeHeld(tx: Transaction, queue: number, key: string): void {
  if (tx.sql.isBlocked.get(queue, key)) return;
  if (changes(tx.sql.unhold.run(queue, key)) > 0) tx.touch(queue);
}

/** Whether the delivery was current. */
function write(
  tx: Transaction,
  settlement: Settlement,
  { seq, token, ...task }: SqliteDelivery,
  result: SettleResult,
): boolean {
  const { sql, now } = tx;
  // Whatever becomes of it: this task holds `unblocks` back no more.
  if (settlement.unblocks !== undefined && settlement.unblocks === task.blocks)
    sql.stopBlocking.run(seq, token);
  switch (settlement.tag) {
    case "ack": {
      if (task.retention <= 0) return changes(sql.remove.run(seq, token)) > 0;
      const result = settlement.result === undefined ? null : storable(settlement.result);
      return changes(sql.complete.run(now, now + task.retention, result, seq, token)) > 0;
    }
    case "retry": {
      const { at, error, counts, blocks } = settlement;
      const failed = sql.retry.run(
        Math.ceil(at),
        now,
        showable(error),
        counts ? 1 : 0,
        blocks ?? null,
        seq,
        token,
      );
      return changes(failed) > 0;
    }
    case "dead":
      return changes(sql.archive.run(now, now, now + archiveAge, showable(settlement.error), seq, token)) > 0;
    case "release":
      return changes(sql.release.run(seq, token)) > 0;
    case "hold":
      if (result === "released") return changes(sql.release.run(seq, token)) > 0;
      return changes(sql.hold.run(settlement.key, seq, token)) > 0;
  }
}
