import type { ScheduleStore } from "../../../core/schedule-store.ts";
import type { ScheduleRun } from "../../../core/task.ts";
import type { Store } from "./store.ts";

const runsKept = 1_000;

export function createSchedules(store: () => Store): ScheduleStore {
  return {
    claim(entry, run) {
      const { commit, ask } = store();
      return commit.write(() => {
        const text = "INSERT INTO runs (entry, at, run) VALUES (?, ?, ?) ON CONFLICT (entry, at) DO NOTHING";
        if (ask.run(text, entry, run.at, JSON.stringify(run)) === 0) return false;
        // A run that an operator asked for was planned by nobody.
        const lastAt = run.cause === "manual" ? null : run.at;
        ask.run(
          `INSERT INTO schedules (entry, last_at) VALUES (?1, ?2) ON CONFLICT (entry)
           DO UPDATE SET last_at = max(coalesce(last_at, ?2), coalesce(?2, last_at))`,
          entry,
          lastAt,
        );
        ask.run(
          `DELETE FROM runs WHERE entry = ?1 AND at <= (SELECT at FROM runs WHERE entry = ?1
           ORDER BY at DESC LIMIT 1 OFFSET ${runsKept})`,
          entry,
        );
        return true;
      });
    },
    finish(entry, run) {
      const { commit, ask } = store();
      return commit.write(() => {
        ask.run("UPDATE runs SET run = ? WHERE entry = ? AND at = ?", JSON.stringify(run), entry, run.at);
      });
    },
    state(entry) {
      const { commit, ask } = store();
      return commit.read(() => {
        const row = ask.one("SELECT last_at, paused FROM schedules WHERE entry = ?", entry);
        const lastAt = row?.last_at ?? null;
        return { paused: row?.paused === 1, ...(lastAt === null ? {} : { lastAt: Number(lastAt) }) };
      });
    },
    setPaused(entry, paused) {
      const { commit, ask } = store();
      return commit.write(() => {
        const text =
          "INSERT INTO schedules (entry, paused) VALUES (?1, ?2) ON CONFLICT (entry) DO UPDATE SET paused = ?2";
        ask.run(text, entry, paused ? 1 : 0);
      });
    },
    history(entry, limit) {
      const { commit, ask } = store();
      return commit.read(() => {
        const rows = ask.all("SELECT run FROM runs WHERE entry = ? ORDER BY at DESC LIMIT ?", entry, limit);
        return rows.map(({ run }) => JSON.parse(String(run)) as ScheduleRun);
      });
    },
    // No other tool reads this file.
    async announce() {},
  };
}
