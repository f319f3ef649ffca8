import type { Clock } from "../core/clock.ts";
import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleNotice } from "../core/schedule-store.ts";
import type { CronTimes } from "./cron.ts";
import type { StoreAccess } from "./store-access.ts";

const announceTime = 10_000;

/** What other tools are told of a schedule that enqueues; undefined for one that calls its service. */
export function noticeOf(
  entry: string,
  { cron, enqueue }: SchedulePlan,
  times: CronTimes,
  now: number,
): ScheduleNotice | undefined {
  const next = times.next(now);
  if (enqueue === undefined || next === undefined) return undefined;
  const { type, queue } = enqueue;
  const payload = JSON.stringify(enqueue.payload) ?? "";
  const previous = times.previous(now + 1);
  return { entry, cron, type, payload, queue, next, ...(previous === undefined ? {} : { previous }) };
}

/** Tells the store at once and then every ten seconds, whenever there is a notice; the returned function ends it. */
export function announceEvery(
  clock: Clock,
  access: StoreAccess,
  notice: () => ScheduleNotice | undefined,
): () => void {
  let cancel = () => {};
  const tell = () => {
    const told = notice();
    // What keeps the store away is told as its trouble; the next notice is ten seconds off.
    if (told) access.once((store) => store.announce([told])).catch(() => {});
    cancel = clock.after(announceTime, tell);
  };
  tell();
  return () => cancel();
}
