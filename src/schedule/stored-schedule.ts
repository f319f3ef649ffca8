import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type { ScheduleInfo, ScheduleRun } from "../core/task.ts";
import { nextTimes, parseCron } from "./cron.ts";

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

const shownTimes = 5;
