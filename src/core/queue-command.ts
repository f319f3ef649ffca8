import type {
  QueueDay,
  QueueInfo,
  ScheduleInfo,
  ScheduleRun,
  ServerInfo,
  TaskAction,
  TaskFilter,
  TaskInfo,
  TaskPage,
  TaskState,
} from "./task.ts";

/*
 * What an operator asks about queues, tasks and schedules, and what the answers are. All of it is JSON: it crosses
 * threads, the control socket and the command line.
 */

export type QueueCommand = Broker &
  (
    | { readonly tag: "brokers" }
    | { readonly tag: "queues" }
    | { readonly tag: "queue"; readonly queue: string }
    | { readonly tag: "history"; readonly queue: string; readonly days: number }
    | { readonly tag: "pause" | "resume"; readonly queue: string }
    /** Deletes what waits. `dryRun`: only counts it. */
    | { readonly tag: "drain"; readonly queue: string; readonly dryRun: boolean }
    | (TaskSelection & { readonly tag: "tasks"; readonly limit: number; readonly after?: string })
    | { readonly tag: "task"; readonly id: string; readonly queue?: string }
    | { readonly tag: "enqueue"; readonly task: EnqueueRequest }
    | (TaskSelection & { readonly tag: "act"; readonly action: TaskAction; readonly dryRun: boolean })
    | { readonly tag: "schedules" }
    | { readonly tag: "runs"; readonly entry: string; readonly limit: number }
    | { readonly tag: "next"; readonly entry: string; readonly count: number }
    | { readonly tag: "runNow" | "pauseSchedule" | "resumeSchedule"; readonly entry: string }
  );

interface Broker {
  /** @default the first of services.yaml */
  readonly broker?: string;
}

export interface TaskSelection {
  /** Absent: all queues of the broker. */
  readonly queue?: string;
  readonly filter: TaskFilter;
}

/** As `ctx.queue().enqueue` takes it; times are dates as text too. Checked where it is enqueued. */
export interface EnqueueRequest {
  readonly type: string;
  readonly payload?: unknown;
  readonly [option: string]: unknown;
}

/** The answer to each command, by its tag. */
export interface QueueAnswers {
  readonly brokers: { readonly brokers: readonly BrokerInfo[] };
  readonly queues: { readonly broker: string; readonly queues: readonly QueueInfo[] };
  readonly queue: {
    readonly broker: string;
    readonly queue: QueueInfo;
    readonly servers: readonly ServerInfo[];
  };
  readonly history: { readonly queue: string; readonly days: readonly QueueDay[] };
  readonly pause: QueuePause;
  readonly resume: QueuePause;
  readonly drain: { readonly queue: string } & ActAnswer;
  readonly tasks: TaskPage & {
    /** Queues that could not be looked into; absent: all could. */
    readonly broken?: readonly BrokenQueue[];
  };
  readonly task: TaskInfo;
  readonly enqueue: { readonly id: string; readonly queue: string; readonly state: TaskState };
  readonly act: ActAnswer;
  readonly schedules: { readonly schedules: readonly ScheduleInfo[] };
  readonly runs: { readonly entry: string; readonly runs: readonly ScheduleRun[] };
  readonly next: { readonly entry: string; readonly next: readonly number[] };
  readonly runNow: { readonly entry: string; readonly run: ScheduleRun };
  readonly pauseSchedule: SchedulePause;
  readonly resumeSchedule: SchedulePause;
}

export interface BrokerInfo {
  readonly name: string;
  readonly scheme: string;
}

export interface BrokenQueue {
  readonly queue: string;
  readonly problem: string;
}

export interface QueuePause {
  readonly queue: string;
  readonly paused: boolean;
}

export interface SchedulePause {
  readonly entry: string;
  readonly paused: boolean;
}

export interface ActAnswer {
  /** To how many tasks it was done; with `dryRun` to how many it would be. */
  readonly count: number;
  readonly dryRun: boolean;
  /** The count was given up there: there are more. */
  readonly more?: true;
  /** Of the ids that were named, those to which it could not be done. */
  readonly refused?: readonly RefusedTask[];
}

export interface RefusedTask {
  readonly id: string;
  /** Without one there is no such task. */
  readonly state?: TaskState;
  /** Its state would do; the rest of the filter keeps it out. */
  readonly unmeant?: true;
}
