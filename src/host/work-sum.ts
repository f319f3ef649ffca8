import type { ConsumerStats, Histogram } from "../core/consumer-stats.ts";
import type { ScheduleWork, ServiceWork } from "../core/service-work.ts";

/** What several threads of a service have done together. */
export function sumOf(all: readonly ServiceWork[]): ServiceWork {
  const consumers = all.flatMap(({ consumer }) => consumer ?? []);
  const schedules = all.flatMap(({ schedule }) => schedule ?? []);
  return {
    ...(consumers.length > 0 ? { consumer: consumers.reduce(bothConsumers) } : {}),
    ...(schedules.length > 0 ? { schedule: schedules.reduce(bothSchedules) } : {}),
  };
}

/** What a thread has done that does nothing any more. */
export function atRest({ consumer, schedule }: ServiceWork): ServiceWork {
  const { next: _, ...runs } = schedule ?? { done: 0, failed: 0, skipped: 0 };
  return {
    ...(consumer ? { consumer: consumerAtRest(consumer) } : {}),
    ...(schedule ? { schedule: { ...runs, running: 0 } } : {}),
  };
}

function consumerAtRest({ groups, ...stats }: ConsumerStats): ConsumerStats {
  return {
    ...stats,
    active: 0,
    buffered: 0,
    blockedKeys: 0,
    lag: 0,
    ...(groups ? { groups: { ...groups, failing: 0 } } : {}),
  };
}

/** The lag is that of the one that lags most. */
function bothConsumers(one: ConsumerStats, other: ConsumerStats): ConsumerStats {
  return {
    received: one.received + other.received,
    done: one.done + other.done,
    failed: one.failed + other.failed,
    dead: one.dead + other.dead,
    released: one.released + other.released,
    lost: one.lost + other.lost,
    active: one.active + other.active,
    buffered: one.buffered + other.buffered,
    blockedKeys: one.blockedKeys + other.blockedKeys,
    lag: Math.max(one.lag, other.lag),
    latency: together(one.latency, other.latency),
    duration: together(one.duration, other.duration),
    ...bothGroups(one, other),
  };
}

function bothGroups(
  { groups: one }: ConsumerStats,
  { groups: other }: ConsumerStats,
): Pick<ConsumerStats, "groups"> {
  const groups = one ?? other;
  if (!one || !other) return groups ? { groups } : {};
  const { lastError } = (one.lastError?.at ?? 0) >= (other.lastError?.at ?? 0) ? one : other;
  return {
    groups: {
      failed: one.failed + other.failed,
      failing: one.failing + other.failing,
      ...(lastError ? { lastError } : {}),
    },
  };
}

/** One thread keeps the schedule; another one has while it ends what it began, and plans nothing more. */
function bothSchedules(one: ScheduleWork, other: ScheduleWork): ScheduleWork {
  return {
    ...one,
    running: one.running + other.running,
    done: one.done + other.done,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

function together(one: Histogram, other: Histogram): Histogram {
  return {
    counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
    sum: one.sum + other.sum,
  };
}
