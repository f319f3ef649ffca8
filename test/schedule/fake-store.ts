import { SupervisorError } from "../../src/core/errors.ts";
import type { ScheduleNotice, ScheduleStore } from "../../src/core/schedule-store.ts";
import type { ScheduleRun } from "../../src/core/task.ts";

/** A store in memory that several intakes share, as replicas do, and that can be away. */
export interface FakeStore extends ScheduleStore {
  /** `down`: every call fails. `deaf`: what is asked is done, but the answer is lost. `hung`: no answer ever comes. */
  mode: "up" | "down" | "deaf" | "hung";
  readonly runs: ScheduleRun[];
  readonly announced: ScheduleNotice[];
  readonly calls: string[];
  paused: boolean;
}

export function createFakeStore(): FakeStore {
  const away = () => new SupervisorError("BROKER_UNREACHABLE", "connection refused", "Start it.");
  async function answer<T>(name: string, work: () => T): Promise<T> {
    store.calls.push(name);
    if (store.mode === "hung") await new Promise(() => {});
    if (store.mode === "down") throw away();
    const result = work();
    if (store.mode === "deaf") throw away();
    return result;
  }
  const store: FakeStore = {
    mode: "up",
    runs: [],
    announced: [],
    calls: [],
    paused: false,
    claim: (_, run) =>
      answer("claim", () => {
        if (store.runs.some(({ at }) => at === run.at)) return false;
        store.runs.push(run);
        return true;
      }),
    finish: (_, run) =>
      answer("finish", () => {
        const index = store.runs.findIndex(({ at }) => at === run.at);
        if (index >= 0) store.runs[index] = run;
      }),
    state: () =>
      answer("state", () => {
        const planned = store.runs.filter(({ cause }) => cause !== "manual").map(({ at }) => at);
        return { paused: store.paused, ...(planned.length > 0 ? { lastAt: Math.max(...planned) } : {}) };
      }),
    setPaused: (_, paused) =>
      answer("setPaused", () => {
        store.paused = paused;
      }),
    history: (_, limit) =>
      answer("history", () => store.runs.toSorted((a, b) => b.at - a.at).slice(0, limit)),
    announce: (entries) => answer("announce", () => void store.announced.push(...entries)),
  };
  return store;
}
