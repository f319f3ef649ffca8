import { SupervisorError } from "../../src/core/errors.ts";
import type { ScheduleNotice, ScheduleStore } from "../../src/core/schedule-store.ts";
import type { ScheduleRun } from "../../src/core/task.ts";

/** A store in memory that several intakes share, as replicas do, and that can be away. */
export interface FakeStore extends ScheduleStore {
  /** `down`: every call fails. `hung`: no answer ever comes. */
  mode: "up" | "down" | "hung";
  readonly runs: ScheduleRun[];
  readonly announced: ScheduleNotice[];
  paused: boolean;
}

export function createFakeStore(): FakeStore {
  const away = () => new SupervisorError("BROKER_UNREACHABLE", "connection refused", "Start it.");
  async function answer<T>(work: () => T): Promise<T> {
    if (store.mode === "hung") await new Promise(() => {});
    if (store.mode === "down") throw away();
    return work();
  }
  const store: FakeStore = {
    mode: "up",
    runs: [],
    announced: [],
    paused: false,
    claim: (_, run) =>
      answer(() => {
        if (store.runs.some(({ at }) => at === run.at)) return false;
        store.runs.push(run);
        return true;
      }),
    finish: (_, run) =>
      answer(() => {
        const index = store.runs.findIndex(({ at }) => at === run.at);
        if (index >= 0) store.runs[index] = run;
      }),
    state: () =>
      answer(() => {
        const planned = store.runs.filter(({ cause }) => cause !== "manual").map(({ at }) => at);
        return { paused: store.paused, ...(planned.length > 0 ? { lastAt: Math.max(...planned) } : {}) };
      }),
    setPaused: (_, paused) =>
      answer(() => {
        store.paused = paused;
      }),
    history: (_, limit) => answer(() => store.runs.toSorted((a, b) => b.at - a.at).slice(0, limit)),
    announce: (entries) => answer(() => void store.announced.push(...entries)),
  };
  return store;
}
