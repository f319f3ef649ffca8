import { parseDuration } from "../core/duration.ts";
import type { BrokerPlan, ConsumePlan, RatePlan, SchedulePlan, ServicePlan } from "../core/plan.ts";
import { readBrokerUrl } from "./broker-url.ts";
import type { HeadSettings, ServiceSettings } from "./schema.ts";

type ConsumeSettings = NonNullable<ServiceSettings["consume"]>;
type ScheduleSettings = NonNullable<ServiceSettings["schedule"]>;
type Brokers = HeadSettings["brokers"];

/** The one that is there when a service needs a broker and services.yaml names none. */
export const embedded = { name: "main", url: "sqlite:./data/queue.db" } as const;

/**
 * Of settings without problems; undefined when nothing needs one. Deeply frozen. `state` is where systemd wants kept what
 * is kept, when it does.
 */
export function makeBrokers(
  brokers: Brokers,
  services: readonly ServicePlan[],
  folder: string,
  state: string | undefined,
): readonly BrokerPlan[] | undefined {
  const written = Object.entries(brokers);
  if (written.length > 0)
    return Object.freeze(written.flatMap(([name, url]) => makeBroker(name, url, folder)));
  if (!services.some(({ consume, schedule }) => consume || schedule)) return undefined;
  // systemd gives a list when the unit names several.
  const [kept] = (state ?? "").split(":");
  return Object.freeze(makeBroker(embedded.name, kept ? `sqlite:${kept}/queue.db` : embedded.url, folder));
}

/** The names that `broker` of a service may have; the first one is the default. */
export function brokerNames(brokers: Brokers): readonly string[] {
  const names = Object.keys(brokers);
  return names.length > 0 ? names : [embedded.name];
}

export function makeConsume(settings: ConsumeSettings, brokers: Brokers): ConsumePlan {
  const { queue, queues, key, limit, group } = settings;
  const { attempts, backoff } = settings.retry;
  const rate = limit?.rate === undefined ? undefined : parseRate(limit.rate);
  const perKey = limit?.per_key === undefined ? undefined : parseRate(limit.per_key);
  return Object.freeze({
    broker: settings.broker ?? (brokerNames(brokers)[0] as string),
    queues: Object.freeze(
      Object.entries(queues ?? { [queue as string]: 1 }).map(([name, weight]) =>
        Object.freeze({ queue: name, weight }),
      ),
    ),
    strict: settings.strict,
    concurrency: settings.concurrency,
    ...(key === undefined ? {} : { key }),
    buffer: settings.buffer,
    timeout: settings.timeout,
    lease: settings.lease,
    retry: Object.freeze({
      ...(attempts === undefined ? {} : { attempts }),
      backoff: Object.freeze({ ...backoff }),
    }),
    ...(settings.batch ? { batch: Object.freeze({ ...settings.batch }) } : {}),
    ...(rate ? { limit: rate } : {}),
    ...(perKey ? { limitPerKey: perKey } : {}),
    ...(group ? { groups: Object.freeze(groupsOf(group)) } : {}),
  });
}

export function makeSchedule(settings: ScheduleSettings, brokers: Brokers): SchedulePlan {
  const { enqueue, timezone, overlap, jitter, timeout } = settings;
  return Object.freeze({
    cron: settings.cron,
    timezone,
    overlap,
    catchUp: settings.catch_up,
    jitter,
    timeout,
    broker: settings.broker ?? (brokerNames(brokers)[0] as string),
    ...(enqueue ? { enqueue: makeEnqueue(enqueue) } : {}),
  });
}

/** @example parseRate("100/1s") // { rate: 100, per: 1000 } */
export function parseRate(text: string): RatePlan {
  const [rate = "", per = ""] = text.split("/");
  return Object.freeze({ rate: Number(rate), per: parseDuration(per) ?? 0 });
}

/** None where the URL was complained of. */
function makeBroker(name: string, written: string, folder: string): BrokerPlan[] {
  const read = readBrokerUrl(written, folder);
  return read.ok ? [Object.freeze({ name, scheme: read.scheme, url: read.url })] : [];
}

function groupsOf(group: NonNullable<ConsumeSettings["group"]>): NonNullable<ConsumePlan["groups"]> {
  return { grace: group.grace, maxDelay: group.max_delay, maxSize: group.max_size };
}

function makeEnqueue(
  enqueue: NonNullable<ScheduleSettings["enqueue"]>,
): NonNullable<SchedulePlan["enqueue"]> {
  const { type, payload, queue, max_retry: maxRetry, timeout, retention, unique } = enqueue;
  return Object.freeze({
    type,
    payload,
    queue,
    ...(maxRetry === undefined ? {} : { maxRetry }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(retention === undefined ? {} : { retention }),
    ...(unique === undefined ? {} : { unique }),
  });
}
