import type { ScheduleStore } from "../../../core/schedule-store.ts";
import type { Schedule, Store } from "./store.ts";

const runsKept = 1_000;

export function createSchedules(store: Store): ScheduleStore {
  const of = (entry: string): Schedule => {
    const known = store.schedules.get(entry);
    if (known) return known;
    const fresh: Schedule = { paused: false, runs: [] };
    store.schedules.set(entry, fresh);
    return fresh;
  };
  return {
    async claim(entry, run) {
      const schedule = of(entry);
      if (schedule.runs.some((one) => one.at === run.at)) return false;
      // A run that an operator asked for was planned by nobody.
      if (run.cause !== "manual") schedule.lastAt = Math.max(run.at, schedule.lastAt ?? run.at);
      schedule.runs.push(run);
      schedule.runs.sort((a, b) => a.at - b.at);
      if (schedule.runs.length > runsKept) schedule.runs.shift();
      return true;
    },
    async finish(entry, run) {
      const { runs } = of(entry);
      const index = runs.findIndex((one) => one.at === run.at);
      if (index >= 0) runs[index] = run;
    },
    async state(entry) {
      const { paused, lastAt } = of(entry);
      return { paused, ...(lastAt === undefined ? {} : { lastAt }) };
    },
    async setPaused(entry, paused) {
      of(entry).paused = paused;
    },
    async history(entry, limit) {
      return of(entry).runs.slice(-limit).reverse();
    },
    // No other tool can see into this process.
    async announce() {},
  };
}
