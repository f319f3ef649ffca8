import type { ConsumerStats, GroupStats, Histogram } from "../core/consumer-stats.ts";
import { bucketBounds } from "../core/consumer-stats.ts";
import type { ScheduleWork, ServiceWork } from "../core/service-work.ts";

/** A family of metrics that only services with a queue or a schedule have. */
export interface WorkFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly WorkSample[];
}

export interface WorkSample {
  /** Behind the name of the family. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Named<T> = readonly (readonly [service: string, facts: T])[];

/** What consumers and schedules have done, by the name of their service. */
export function workFamilies(work: ReadonlyMap<string, ServiceWork>): WorkFamily[] {
  const all = [...work];
  const consumers = all.flatMap(([name, { consumer }]) => (consumer ? [[name, consumer] as const] : []));
  const schedules = all.flatMap(([name, { schedule }]) => (schedule ? [[name, schedule] as const] : []));
  return [...ofConsumers(consumers), ...ofSchedules(schedules)];
}

const outcomes = ["done", "failed", "dead", "released", "lost"] as const;

function ofConsumers(consumers: Named<ConsumerStats>): WorkFamily[] {
  const gauge = (name: string, help: string, value: (stats: ConsumerStats) => number): WorkFamily => ({
    name: `supervisor_consumer_${name}`,
    type: "gauge",
    help,
    samples: consumers.map(([service, stats]) => ({ labels: { service }, value: value(stats) })),
  });
  return [
    {
      name: "supervisor_consumer_received_total",
      type: "counter",
      help: "Messages that came from the broker.",
      samples: consumers.map(([service, { received }]) => ({ labels: { service }, value: received })),
    },
    {
      name: "supervisor_consumer_messages_total",
      type: "counter",
      help: "What became of messages; failed: tried again, dead: archived, released: handed back.",
      samples: consumers.flatMap(([service, stats]) =>
        outcomes.map((outcome) => ({ labels: { service, outcome }, value: stats[outcome] })),
      ),
    },
    gauge("active", "Messages whose handlers run.", ({ active }) => active),
    gauge("buffered", "Messages that are here and have not begun.", ({ buffered }) => buffered),
    gauge(
      "blocked_keys",
      "Keys whose messages wait in the broker for one that is tried again, or takes long.",
      (stats) => stats.blockedKeys,
    ),
    ...ofGroups(consumers),
    gauge("lag_seconds", "How long the oldest buffered message has waited.", ({ lag }) => seconds(lag)),
    histogram(
      "wait",
      "From when a message was due to the call of its handler.",
      consumers,
      (stats) => stats.latency,
    ),
    histogram("handler", "How long handlers took.", consumers, ({ duration }) => duration),
  ];
}

function ofGroups(consumers: Named<ConsumerStats>): WorkFamily[] {
  const samples = (value: (groups: GroupStats) => number) =>
    consumers.flatMap(([service, { groups }]) =>
      groups ? [{ labels: { service }, value: value(groups) }] : [],
    );
  return [
    {
      name: "supervisor_consumer_group_failures_total",
      type: "counter",
      help: "Calls of aggregate() that failed.",
      samples: samples(({ failed }) => failed),
    },
    {
      name: "supervisor_consumer_failing_groups",
      type: "gauge",
      help: "Groups that have failed and not been made one task since.",
      samples: samples(({ failing }) => failing),
    },
  ];
}

function ofSchedules(schedules: Named<ScheduleWork>): WorkFamily[] {
  return [
    {
      name: "supervisor_schedule_runs_total",
      type: "counter",
      help: "Planned times, and what became of them.",
      samples: schedules.flatMap(([service, work]) =>
        (["done", "failed", "skipped"] as const).map((outcome) => ({
          labels: { service, outcome },
          value: work[outcome],
        })),
      ),
    },
    {
      name: "supervisor_schedule_running",
      type: "gauge",
      help: "Runs that go on.",
      samples: schedules.map(([service, { running }]) => ({ labels: { service }, value: running })),
    },
    {
      name: "supervisor_schedule_next_timestamp_seconds",
      type: "gauge",
      help: "The next planned time, since 1970.",
      samples: schedules.flatMap(([service, { next }]) =>
        next === undefined ? [] : [{ labels: { service }, value: seconds(next) }],
      ),
    },
  ];
}

function histogram(
  name: string,
  help: string,
  consumers: Named<ConsumerStats>,
  of: (stats: ConsumerStats) => Histogram,
): WorkFamily {
  return {
    name: `supervisor_consumer_${name}_seconds`,
    type: "histogram",
    help,
    samples: consumers.flatMap(([service, stats]) => bucketsOf(service, of(stats))),
  };
}

/** Prometheus counts upwards: each bucket has all that are shorter. */
function bucketsOf(service: string, { counts, sum }: Histogram): WorkSample[] {
  let total = 0;
  const buckets = counts.map((count, index): WorkSample => {
    total += count;
    const bound = bucketBounds[index];
    const le = bound === undefined ? "+Inf" : String(seconds(bound));
    return { suffix: "_bucket", labels: { service, le }, value: total };
  });
  return [
    ...buckets,
    { suffix: "_sum", labels: { service }, value: seconds(sum) },
    { suffix: "_count", labels: { service }, value: total },
  ];
}

/** To the tenth of a millisecond. */
function seconds(ms: number): number {
  return Math.round(ms * 10) / 10_000;
}
