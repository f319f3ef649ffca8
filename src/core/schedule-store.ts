import type { ScheduleRun } from "./task.ts";

/** What schedules remember, so that one tick runs once across replicas and restarts. */
export interface ScheduleStore {
  /** True for exactly one caller of the same `entry` and `at`, in whatever process; it is in the history as running from then on. */
  claim(entry: string, run: ScheduleRun): Promise<boolean>;
  finish(entry: string, run: ScheduleRun): Promise<void>;
  /** The last planned time that was claimed, and whether an operator has paused it. */
  state(entry: string): Promise<{ readonly lastAt?: number; readonly paused: boolean }>;
  setPaused(entry: string, paused: boolean): Promise<void>;
  /** The newest first. At least the last thousand are kept. */
  history(entry: string, limit: number): Promise<readonly ScheduleRun[]>;
  /** Tells other tools which schedules there are and when they run next; forgotten half a minute after the last call. */
  announce(entries: readonly ScheduleNotice[]): Promise<void>;
}

export interface ScheduleNotice {
  readonly entry: string;
  readonly cron: string;
  readonly type: string;
  readonly payload: string;
  readonly queue: string;
  readonly next: number;
  readonly previous?: number;
}
