/*
 * Queues and tasks as operators see them. Everything here is JSON: it crosses threads, the control socket and the
 * command line. Times are milliseconds since 1970, durations milliseconds.
 */

/**
 * asynq's states (internal/base/base.go). `pending`: may be claimed now. `active`: somebody works on it.
 * `scheduled`: waits for its first time. `retry`: waits after a failed attempt. `archived`: dead letter.
 * `completed`: done, kept for its retention. `aggregating`: waits in a group.
 */
export const taskStates = [
  "pending",
  "active",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
] as const;
export type TaskState = (typeof taskStates)[number];

export interface TaskInfo {
  readonly id: string;
  readonly queue: string;
  readonly type: string;
  readonly state: TaskState;
  /** As text when it is UTF-8; otherwise base64, and `encoding` says so. */
  readonly payload: string;
  readonly encoding?: "base64";
  readonly headers: Readonly<Record<string, string>>;
  /** The explicit ordering key that it was enqueued with. */
  readonly key?: string;
  readonly group?: string;
  readonly enqueuedAt?: number;
  /** When it may run: of scheduled and retry tasks. */
  readonly runAt?: number;
  /** Failed attempts so far. */
  readonly retried: number;
  readonly maxRetry: number;
  readonly lastError?: string;
  readonly lastFailedAt?: number;
  /** 0: none. */
  readonly timeout: number;
  /** 0: none. */
  readonly deadline: number;
  readonly retention: number;
  readonly completedAt?: number;
  readonly result?: string;
  /** What the handler last said with `message.progress`; JSON text. */
  readonly progress?: string;
  /** Who works on it, for active tasks. */
  readonly owner?: string;
}

export interface QueueInfo {
  readonly queue: string;
  readonly paused: boolean;
  /** How many tasks are in each state. */
  readonly counts: Readonly<Record<TaskState, number>>;
  /** Of messages that wait for an earlier one with the same key; a part of `counts.pending`. */
  readonly held: number;
  /** How long the oldest pending task has waited. */
  readonly latency: number;
  /** Since midnight UTC. */
  readonly processed: number;
  readonly failed: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  /** Bytes, as far as the broker can tell. */
  readonly memory?: number;
  /** Why the queue stands still and its numbers are not known: they are 0. */
  readonly problem?: string;
}

/** One UTC day of a queue. */
export interface QueueDay {
  /** `2026-11-21` */
  readonly day: string;
  readonly processed: number;
  readonly failed: number;
}

/** Which tasks of a queue are meant. All conditions hold at once; absent ones hold for every task. */
export interface TaskFilter {
  readonly ids?: readonly string[];
  readonly state?: TaskState;
  /** A task type, or the beginning of one followed by `*`. */
  readonly type?: string;
  /** Enqueued, failed or completed (what its state is about) at this time or later. */
  readonly since?: number;
  /** Found in the last error, ignoring case. */
  readonly error?: string;
}

export interface TaskPage {
  readonly tasks: readonly TaskInfo[];
  /** What to pass to get the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * `run`: pending at once, whatever it waited for. `retry`: the same for archived and completed ones too, with all
 * attempts anew. `archive`, `delete`: not while active. `cancel`: asks whoever works on it to stop.
 */
export type TaskAction = "run" | "retry" | "archive" | "delete" | "cancel";

/** One worker process that consumes from a broker, ours or another's. */
export interface ServerInfo {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly status: string;
  readonly concurrency: number;
  readonly queues: Readonly<Record<string, number>>;
  readonly active: number;
}

/** One schedule, as it stands now. */
export interface ScheduleInfo {
  /** The service. */
  readonly entry: string;
  /** As written: five or six fields, or `@every 5m`. */
  readonly cron: string;
  readonly timezone: string;
  readonly paused: boolean;
  /** The next planned times. */
  readonly next: readonly number[];
  readonly lastAt?: number;
  readonly last?: ScheduleRun;
  readonly running: number;
}

/** One planned time of a schedule, and what became of it. */
export interface ScheduleRun {
  /** The planned time. */
  readonly at: number;
  /** `skipped`: the run before was still going, it was paused, or its time had passed. */
  readonly outcome: "running" | "done" | "failed" | "skipped";
  readonly startedAt?: number;
  readonly durationMs?: number;
  readonly error?: string;
  /** Why it ran, when it was not the clock; or why it did not. */
  readonly cause?: "manual" | "catch-up" | "overlap" | "paused" | "missed";
  readonly owner: string;
}
