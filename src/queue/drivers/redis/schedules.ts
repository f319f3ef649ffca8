import type { ScheduleStore } from "../../../core/schedule-store.ts";
import type { ScheduleRun } from "../../../core/task.ts";
import { keys } from "./keys.ts";
import type { Link } from "./link.ts";
import {
  claimTickScript,
  entriesScript,
  eventScript,
  finishTickScript,
  historyScript,
} from "./lua/schedules.ts";
import { encodeEnqueueEvent, encodeSchedule } from "./records.ts";
import { script } from "./script.ts";
import type { Times } from "./time.ts";

/**
 * What schedules remember, under keys of our own; and, for asynq's tools, the entries and when they were enqueued (asynq:
 * rdb.go, WriteSchedulerEntries, RecordSchedulerEnqueueEvent), by the name of the entry.
 */
export function createSchedules(link: Link, times: Times, owner: string): ScheduleStore {
  return {
    async claim(entry, run) {
      const planned = run.cause === "manual" ? 0 : 1;
      const args = [run.at, JSON.stringify(run), most, planned];
      const isOurs = (await link.run(claimCall, keysOf(entry), args)) === 1;
      if (isOurs && run.outcome === "running") {
        const event = encodeEnqueueEvent(`${entry}@${new Date(run.at).toISOString()}`, times.ms());
        // Only asynq's tools look at it.
        await link
          .run(eventCall, [keys.schedulerHistory(entry)], [Math.floor(times.ms() / 1000), event, most])
          .catch(() => {});
      }
      return isOurs;
    },
    async finish(entry, run) {
      await link.run(finishCall, keysOf(entry), [run.at, JSON.stringify(run)]);
    },
    async state(entry) {
      const [last, paused] = (await link.command(
        "HMGET",
        `${keys.schedule(entry)}state`,
        "last",
        "paused",
      )) as (Buffer | null)[];
      return { ...(last ? { lastAt: Number(last.toString()) } : {}), paused: paused?.toString() === "1" };
    },
    async setPaused(entry, paused) {
      await link.command("HSET", `${keys.schedule(entry)}state`, "paused", paused ? 1 : 0);
    },
    async history(entry, limit) {
      const runs = (await link.run(historyCall, keysOf(entry), [Math.min(limit, most)])) as (Buffer | null)[];
      return runs.flatMap((run) => (run ? [JSON.parse(run.toString()) as ScheduleRun] : []));
    },
    async announce(entries) {
      const until = Math.ceil(times.ms() / 1000) + noticeSeconds;
      await link.command("ZADD", keys.schedulers, until, keys.scheduler(owner));
      await link.run(entriesCall, [keys.scheduler(owner)], [noticeSeconds, ...entries.map(encodeSchedule)]);
    },
  };
}

function keysOf(entry: string): string[] {
  const prefix = keys.schedule(entry);
  return [`${prefix}claimed`, `${prefix}runs`, `${prefix}state`];
}

const claimCall = script(claimTickScript);
const finishCall = script(finishTickScript);
const historyCall = script(historyScript);
const eventCall = script(eventScript);
const entriesCall = script(entriesScript);
/** asynq's rdb.go: maxEvents. */
const most = 1_000;
const noticeSeconds = 30;
