import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type {
  QueueDay,
  QueueInfo,
  ServerInfo,
  TaskAction,
  TaskFilter,
  TaskInfo,
  TaskPage,
  TaskState,
} from "../core/task.ts";

/*
 * What a broker is to everybody else. One file (or folder) in drivers/ implements it; test/contract/queue-driver.ts is
 * what every implementation must pass; drivers/memory is the reference. Times are milliseconds since 1970.
 *
 * Two promises hold for each of them. Nothing is lost: a task is in exactly one state, and every change of state is one
 * atomic step of the broker. Nothing is settled twice: a delivery can be settled as long as its lease is the current
 * one (fencing), and whoever comes late is told `lost`.
 */

export type OpenDriver = (options: DriverOptions) => Driver;

export interface DriverOptions {
  /** The broker's name in services.yaml. */
  readonly name: string;
  /** As in services.yaml; the path of a file is absolute. May hold a password: never log it. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Who holds leases: `HOST:PID:UNIQUE`. A new one for each driver that is opened. */
  readonly owner: string;
  /** Only `inspector` and what reads of `schedules` is used: a broker that cannot be written is read all the same. */
  readonly looksOnly?: boolean;
  /** Told of each change, once: no log storm while a broker is away. */
  readonly onConnection: (connection: Connection) => void;
}

export type Connection = { readonly tag: "up" } | { readonly tag: "down"; readonly error: Error };

export interface Driver {
  /**
   * Resolves when the broker answers. Meanwhile tries again with backoff and jitter, and goes on doing so for as long
   * as the driver is open, after a loss too. Rejects only when trying again is useless (SupervisorError with exit 78).
   */
  connect(): Promise<void>;
  /**
   * Durable, in as few round trips as can be: one for many tasks, and calls that wait at the same time share one.
   * The results are in the order of `tasks`. While the broker is away waits up to five seconds, then rejects with
   * SupervisorError BROKER_UNREACHABLE; whoever tries again with the same ids enqueues nothing twice.
   */
  enqueue(tasks: readonly NewTask[]): Promise<readonly EnqueueResult[]>;
  subscribe(subscription: Subscription): Receiver;
  /**
   * What is held by owners whose name begins with one of these is waiting again, in its place, as if they had crashed: they
   * are gone for certain. Waits for a broker that is away.
   */
  recover(owners: readonly string[]): Promise<void>;
  readonly inspector: Inspector;
  readonly schedules: ScheduleStore;
  /** Receivers are closed before. Waits for what is under way; afterwards nothing of the driver keeps the process alive. */
  close(): Promise<void>;
}

/** Bytes, or text that is UTF-8 in the broker. */
export type Payload = Uint8Array | string;

export interface NewTask {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: Payload;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
  /** Absent, or in the past: now. */
  readonly runAt?: number;
  readonly maxRetry: number;
  /** Of one attempt, in milliseconds; 0: none. */
  readonly timeout: number;
  /** After it no attempt begins or goes on; 0: none. */
  readonly deadline: number;
  /** How long it is kept once it is done, in milliseconds; 0: not at all. */
  readonly retention: number;
  /** While the lock is held, another task with the same `key` is a duplicate. It is released when the task is done or deleted. */
  readonly unique?: { readonly key: string; readonly ttl: number };
  /** It waits in this group until an aggregator takes the whole group. */
  readonly group?: string;
}

export type EnqueueResult =
  | { readonly tag: "enqueued"; readonly state: TaskState }
  /** Its unique lock is held by another task. */
  | { readonly tag: "duplicate" }
  /** A task with its id exists, in whatever state. */
  | { readonly tag: "conflict" };

export interface Subscription {
  /** Who consumes, for the broker's list of servers. */
  readonly consumer: string;
  readonly queues: readonly QueueWeight[];
  /** A queue is asked only when all with a higher weight are empty; otherwise by weighted chance. */
  readonly strict: boolean;
  /** How long a delivery is ours without `extend`, in milliseconds. */
  readonly lease: number;
  readonly concurrency: number;
  /** Absent: groups of these queues are not aggregated here. */
  readonly groups?: GroupLimits;
  /** Somebody wants this task to stop; it may be one that is not ours. */
  readonly onCancel: (taskId: string) => void;
}

export interface QueueWeight {
  readonly queue: string;
  /** At least 1. */
  readonly weight: number;
}

/** A group is due when nothing came for `grace`, when it is `maxDelay` old, or when it has `maxSize` tasks; 0 is no limit. */
export interface GroupLimits {
  readonly grace: number;
  readonly maxDelay: number;
  readonly maxSize: number;
}

/** A task that is ours until its lease ends. Drivers may keep more in it than is said here. */
export interface Delivery {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly payload: Payload;
  readonly headers: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly enqueuedAt: number;
  /** When it could have been claimed: now minus this is how long it waited. */
  readonly dueAt: number;
  /** Attempts that failed before this one. */
  readonly retried: number;
  readonly maxRetry: number;
  /**
   * How often its lease ran out: whoever had it died, or froze. That spends no attempt. The first time is counted whether it had
   * begun or not, the others as `begin` says.
   */
  readonly crashes: number;
  readonly timeout: number;
  readonly deadline: number;
  readonly retention: number;
}

export interface Receiver {
  /**
   * Claims up to `max` tasks, in the order in which they became due (weights choose among queues). Waits until there is
   * at least one; resolves with what it has, or with nothing, when `signal` aborts. A broker that is away is waited
   * for: it never rejects for that. One call at a time.
   */
  receive(max: number, signal: AbortSignal): Promise<readonly Delivery[]>;
  /**
   * All in one round trip, each by itself; the results are in the order of `settlements`. Rejects with
   * BROKER_UNREACHABLE when nothing is known of any of them: the same call may be made again.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]>;
  /** Renews the leases; resolves with those that are no longer ours. Rejects like `settle`. */
  extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]>;
  /**
   * These begin, all with `crashes` above 0. When it resolves the broker keeps that: should the lease of one run out now, that
   * is one more; one that has not begun has only waited beside it. Those that are not ours any more are left out. Rejects like
   * `settle`.
   */
  begin(deliveries: readonly Delivery[]): Promise<void>;
  /**
   * Shows operators how far it is; `text` is JSON. It is of this attempt: shown while that runs, and ignored once it has
   * ended, however. Best effort: never rejects.
   */
  progress(delivery: Delivery, text: string): Promise<void>;
  /**
   * Keys of these queues that wait for a task with an earlier failure, as the broker remembers them: the task's id by
   * `QUEUE\0KEY`. Asked once, before the first `receive`.
   */
  blockedKeys(): Promise<ReadonlyMap<string, string>>;
  /** Groups that are due now, taken out of circulation until they are settled or two minutes have passed. */
  dueGroups(): Promise<readonly GroupSet[]>;
  /**
   * Enqueues `task` and removes the tasks of the set, in one step. When `task` is refused nothing is changed, and the set
   * is still ours; what is in the set does not count, neither its ids nor its locks.
   */
  commitGroup(set: GroupSet, task: NewTask): Promise<CommitResult>;
  /** The tasks wait in their group again. */
  releaseGroup(set: GroupSet): Promise<void>;
  /** Nothing is received any more. Deliveries that are not settled are released. */
  close(): Promise<void>;
}

export interface GroupSet {
  readonly id: string;
  readonly queue: string;
  readonly group: string;
  readonly tasks: readonly Delivery[];
}

/** `lost`: the set is no longer ours. The others: why its task was refused, as for `enqueue`. */
export type CommitResult = "settled" | "lost" | "duplicate" | "conflict";

/**
 * `released`: it should have been held, but nobody blocks its key (any more), so it is pending in its old place. The
 * broker decides that in the same step: whoever received it may believe in a block that is gone. `archived`: an ack whose
 * `next` could not be enqueued.
 */
export type SettleResult = "settled" | "lost" | "released" | "archived";

/**
 * What becomes of a delivery. `unblocks`: the key that waited for it may go on, held tasks first, in their order. `heir`: of
 * an ack or a dead one that blocks that key, a delivery that does so from now on, if it is still ours.
 */
export type Settlement = {
  readonly delivery: Delivery;
  readonly unblocks?: string;
  readonly heir?: Delivery;
} & (
  | {
      readonly tag: "ack";
      /** Kept with the task for its retention. */
      readonly result?: Payload;
      /**
       * Enqueued in the same step. Where another task has its id this is no ack: the delivery goes to the archive, with that as
       * its error. Another one: not what an earlier try of this ack has left.
       */
      readonly next?: NewTask;
    }
  | {
      readonly tag: "retry";
      readonly at: number;
      readonly error: string;
      /** Whether this was a failed attempt: it counts towards `maxRetry`. */
      readonly counts: boolean;
      /** Until this task is settled otherwise, later ones with this key are held: the broker remembers that. */
      readonly blocks?: string;
    }
  /** To the archive; `counts` as above. */
  | { readonly tag: "dead"; readonly error: string }
  /** Back to where it came from, before all others, as if it had never been received. */
  | { readonly tag: "release" }
  /**
   * It waits, in its place, until `key` is unblocked; where that is not blocked, it is released. A key that nothing blocks
   * is first blocked by `behind`, if that delivery is still ours.
   */
  | { readonly tag: "hold"; readonly key: string; readonly behind?: Delivery }
);

/** What operators ask; works without any subscription. */
export interface Inspector {
  queues(): Promise<readonly QueueInfo[]>;
  /** The newest day first. */
  history(queue: string, days: number): Promise<readonly QueueDay[]>;
  pause(queue: string): Promise<void>;
  resume(queue: string): Promise<void>;
  /**
   * Of one queue, in the order in which they will run, or the newest first for those that ended. `after`: what the page
   * before said as `next`. @throws RangeError when no page could have said that
   */
  tasks(queue: string, filter: TaskFilter, page: { limit: number; after?: string }): Promise<TaskPage>;
  task(queue: string, id: string): Promise<TaskInfo | undefined>;
  /** Resolves with how many tasks it was done to. */
  act(queue: string, action: TaskAction, filter: TaskFilter): Promise<number>;
  servers(): Promise<readonly ServerInfo[]>;
}
