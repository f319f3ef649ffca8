import type { Delivery, NewTask } from "../../driver.ts";
import { keys } from "./keys.ts";
import type { Argument } from "./link.ts";
import type { TaskMessage } from "./task-message.ts";
import { encodeTaskMessage } from "./task-message.ts";

/** A delivery of ours, and what the broker has of it. */
export interface RedisDelivery extends Delivery {
  readonly message: TaskMessage;
  /** Who has it, and by which claim: the fencing token. */
  readonly claim: string;
  /** The latest end of its lease that was ever asked for, in seconds: whether it was granted may be unknown. */
  leaseEnd: number;
  readonly claimedAt: number;
  /** A call that may have settled it: its reply was lost. */
  asked?: { readonly call: string; readonly place: number } | undefined;
}

/** The 8 values of a task that `enqueue` in lua/prelude.ts takes. */
export function taskValues(task: NewTask, now: number): Argument[] {
  const runAt = task.runAt !== undefined && task.runAt > now ? task.runAt : undefined;
  const lock = lockOf(task);
  // asynq (client.go, schedule): the lock is held while it waits for its time, and for its own time from then on.
  const ttl = task.unique ? Math.max(1, Math.round(task.unique.ttl + ((runAt ?? now) - now))) : "";
  return [
    task.id,
    encodeTaskMessage(messageOfTask(task)),
    runAt === undefined ? "" : Math.ceil(runAt),
    task.group ?? "",
    lock,
    ttl,
    task.key ?? "",
    exactOf(task),
  ];
}

/**
 * Id, message and pending since of a task that has nothing else, and can be enqueued with many like it: it is for now,
 * and has no group, lock, key or exact times.
 */
export function plainValues(task: NewTask, since: string, now: number): Argument[] | undefined {
  const { id, runAt, group, unique, key } = task;
  const isLater = runAt !== undefined && runAt > now;
  if (isLater || group || unique || key || exactOf(task) !== "") return;
  return [id, encodeTaskMessage(messageOfTask(task)), since];
}

/** What a claim gives of a task beside its message (lua/claim.ts): crashes, at, key, exact. */
export type Rest = readonly (Buffer | null)[];

/** A task as a claim gives it (lua/claim.ts). */
export function deliveryOf(
  message: TaskMessage,
  dueAt: number,
  rest: Rest | undefined,
  claim: { readonly name: string; readonly leaseEnd: number },
  now: number,
): RedisDelivery {
  const plain: RedisDelivery = {
    id: message.id,
    queue: message.queue,
    type: message.type,
    payload: message.payload,
    headers: message.headers,
    enqueuedAt: dueAt,
    dueAt,
    retried: message.retried,
    maxRetry: message.retry,
    crashes: 0,
    timeout: message.timeout * 1000,
    deadline: message.deadline * 1000,
    retention: message.retention * 1000,
    message,
    claim: claim.name,
    leaseEnd: claim.leaseEnd,
    claimedAt: now,
  };
  if (!rest) return plain;
  const [crashes, at, key, exact] = rest;
  return {
    ...plain,
    ...basicsOf(message, exact),
    ...(key ? { key: key.toString() } : {}),
    enqueuedAt: at ? Number(at.toString()) : dueAt,
    crashes: crashes ? Number(crashes.toString()) : 0,
  };
}

/** What the message itself says; times are exact where the task came from us. */
export function basicsOf(message: TaskMessage, exact: Buffer | null | undefined) {
  const [timeout, deadline, retention] = exact ? exact.toString().split(",").map(Number) : [];
  return {
    type: message.type,
    payload: message.payload,
    headers: message.headers,
    retried: message.retried,
    maxRetry: message.retry,
    timeout: timeout ?? message.timeout * 1000,
    deadline: deadline ?? message.deadline * 1000,
    retention: retention ?? message.retention * 1000,
  };
}

/** `pending_since` in milliseconds. The text is longer than a double is exact. */
export function nanosToMs(text: Buffer, from = 0, end = text.length): number {
  let ms = 0;
  for (let index = from; index < end - 6; index++) ms = ms * 10 + (text[index] as number) - 48;
  return ms;
}

function messageOfTask(task: NewTask): TaskMessage {
  return {
    type: task.type,
    payload: task.payload,
    id: task.id,
    queue: task.queue,
    retry: task.maxRetry,
    retried: 0,
    errorMsg: "",
    // Rounded up: an asynq server that takes it gives it no less.
    timeout: Math.ceil(task.timeout / 1000),
    deadline: Math.ceil(task.deadline / 1000),
    uniqueKey: lockOf(task),
    lastFailedAt: 0,
    retention: Math.ceil(task.retention / 1000),
    completedAt: 0,
    groupKey: task.group ?? "",
    headers: task.headers ?? {},
  };
}

/** The producer makes asynq's key; any other is put below the queue's, where a Cluster has it in the same slot. */
function lockOf({ queue, unique }: NewTask): string {
  if (!unique) return "";
  const prefix = keys.queue(queue);
  return unique.key.startsWith(prefix) ? unique.key : `${prefix}unique:${unique.key}`;
}

function exactOf({ timeout, deadline, retention }: NewTask): string {
  if (timeout % 1000 === 0 && deadline % 1000 === 0 && retention % 1000 === 0) return "";
  return `${timeout},${deadline},${retention}`;
}
