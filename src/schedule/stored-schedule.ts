import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type { ScheduleInfo, ScheduleRun } from "../core/task.ts";
import { nextTimes, parseCron } from "./cron.ts";
import { notReady } from "./not-ready.ts";

export interface StoredScheduleOptions {
  /** The service. */
  readonly entry: string;
  readonly plan: SchedulePlan;
  readonly store: () => Promise<ScheduleStore>;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** What can be known and changed of a schedule while nobody keeps it. */
export interface StoredSchedule {
  info(): Promise<ScheduleInfo>;
  nextRuns(count: number): readonly number[];
  history(limit: number): Promise<readonly ScheduleRun[]>;
  setPaused(paused: boolean): Promise<void>;
}

/** A generation of a service whose schedule is kept in a thread of its own. */
export interface FarSchedule {
  /** As `ScheduleIntake.runNow`; undefined while no thread could do it. */
  runNow(): Promise<ScheduleRun | undefined>;
  /** Runs that have begun there and not ended; known while the thread is frozen, too. */
  readonly runs: number;
  /** By whoever looks after this process, not in the store. */
  readonly isPaused: boolean;
}

/** A schedule as services.yaml and its broker tell of it: for commands without a supervisor, and for stopped services. */
export function storedSchedule({ entry, plan, store, wall }: StoredScheduleOptions): StoredSchedule {
  const { cron, timezone } = plan;
  const nextRuns = (count: number) => nextTimes(parseCron(cron, timezone, wall()), wall(), count);
  return {
    nextRuns,
    async info() {
      const known = await store();
      const [{ lastAt, paused }, [last]] = await Promise.all([known.state(entry), known.history(entry, 1)]);
      return {
        entry,
        cron,
        timezone,
        paused,
        next: nextRuns(shownTimes),
        ...(lastAt === undefined ? {} : { lastAt }),
        ...(last ? { last } : {}),
        running: last?.outcome === "running" ? 1 : 0,
      };
    },
    history: async (limit) => (await store()).history(entry, limit),
    setPaused: async (paused) => (await store()).setPaused(entry, paused),
  };
}

/** What is stored of a schedule, and what is known of the thread that keeps it; absent: none does now. */
export function farSchedule(
  entry: string,
  stored: StoredSchedule,
  far: FarSchedule | undefined,
): StoredSchedule & { runNow(): Promise<ScheduleRun> } {
  return {
    ...stored,
    async info() {
      const info = await stored.info();
      return far ? { ...info, paused: info.paused || far.isPaused, running: far.runs } : info;
    },
    async runNow() {
      const run = await far?.runNow();
      if (run === undefined) throw notReady(entry);
      return run;
    },
  };
}

const shownTimes = 5;
