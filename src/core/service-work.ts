import type { ConsumerStats } from "./consumer-stats.ts";

/** What a service does by itself with what comes to it from brokers and the clock. Plain JSON. */
export interface ServiceWork {
  readonly consumer?: ConsumerStats;
  readonly schedule?: ScheduleWork;
}

export interface ScheduleWork {
  /** Milliseconds since 1970; absent: there is none any more. */
  readonly next?: number;
  readonly running: number;
  /** Since this process began. */
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
}
