import type { Delivery, Payload, QueueWeight } from "../../driver.ts";
import { shares } from "../queue-choice.ts";
import { changes } from "./enqueue.ts";
import { lanes } from "./schema.ts";
import type { Statements } from "./statements.ts";
import type { Transaction } from "./steps.ts";

/** `token` is the fence; the rest saves looking up what is seldom there. */
export interface SqliteDelivery extends Delivery {
  readonly seq: number;
  readonly token: number;
  readonly queueNumber: number;
  readonly lock: string | null;
  /** As it was claimed, or since others are held behind it. */
  blocks: string | null;
}

export interface Claim {
  readonly queues: readonly QueueWeight[];
  readonly strict: boolean;
  readonly max: number;
  readonly lease: number;
  /** The number of the owner in its table. */
  readonly owner: number;
  readonly random: () => number;
  /** One that nobody ever had. */
  readonly token: () => number;
}

/** Up to `max` tasks that are due, leased to the owner. */
export function claimTasks(tx: Transaction, claim: Claim): SqliteDelivery[] {
  const taken: SqliteDelivery[] = [];
  const wanted = shares(claim.queues, claim.strict, claim.max, claim.random);
  for (const { queue } of wanted) recoverLeases(tx, tx.queue(queue), tx.now);
  for (const { queue, share } of wanted) takeFrom(tx, queue, share, claim, taken);
  // What one queue could not give is taken from the others.
  if (wanted.length > 1) {
    for (const { queue } of wanted) takeFrom(tx, queue, claim.max - taken.length, claim, taken);
  }
  return taken;
}

/** When the next task or lease of these queues falls due, if any does. */
export function nextDue(tx: Transaction, queues: readonly QueueWeight[]): number {
  let next = Infinity;
  for (const { queue: name } of queues) {
    const queue = tx.queue(name);
    const [first, lease] = [lanes.waiting, lanes.active].map((lane) => tx.sql.nextOf.get(queue, lane)?.at);
    if (lease !== undefined) next = Math.min(next, Number(lease));
    if (first !== undefined && tx.sql.isPaused.get(queue)?.paused === 0) next = Math.min(next, Number(first));
  }
  return next;
}

/** Tasks whose lease has run out go back to their places: whoever had them died, or froze. */
export function recoverLeases(tx: Transaction, queue: number, until: number): void {
  if (changes(tx.sql.recover.run(queue, until)) > 0) tx.touch(queue);
}

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  /** Null: it is among the bodies. */
  readonly payload: Payload | null;
  readonly headers: string | null;
  readonly key: string | null;
  readonly enqueued_at: number;
  readonly place: number;
  readonly retried: number;
  readonly max_retry: number;
  readonly crashes: number;
  readonly timeout: number;
  readonly deadline: number;
  readonly retention: number;
  readonly lock: string | null;
  readonly blocks: string | null;
}

/** A row of a task as a delivery; also those of groups, which nobody leases. */
export function deliveryOf(
  sql: Statements,
  row: unknown,
  queue: string,
  queueNumber: number,
  token: number,
): SqliteDelivery {
  const task = row as Row;
  return {
    id: task.id,
    queue,
    type: task.type,
    payload: task.payload ?? (sql.body.get(task.seq)?.payload as Payload),
    headers: task.headers === null ? noHeaders : JSON.parse(task.headers),
    ...(task.key === null ? {} : { key: task.key }),
    enqueuedAt: task.enqueued_at,
    dueAt: task.place,
    retried: task.retried,
    maxRetry: task.max_retry,
    crashes: task.crashes,
    timeout: task.timeout,
    deadline: task.deadline,
    retention: task.retention,
    seq: task.seq,
    token,
    queueNumber,
    lock: task.lock,
    blocks: task.blocks,
  };
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});

function takeFrom(tx: Transaction, name: string, max: number, claim: Claim, taken: SqliteDelivery[]): void {
  if (max <= 0) return;
  const queue = tx.queue(name);
  const token = claim.token();
  const rows = tx.sql.claim.all(tx.now + claim.lease, token, claim.owner, queue, tx.now, max);
  const got = rows.map((row) => deliveryOf(tx.sql, row, name, queue, token));
  // RETURNING promises no order.
  got.sort((a, b) => a.dueAt - b.dueAt || a.seq - b.seq);
  for (const delivery of got) taken.push(delivery);
}
