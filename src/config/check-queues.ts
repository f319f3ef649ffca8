import { dirname } from "node:path";
import { formatDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { readBrokerUrl } from "./broker-url.ts";
import type { Draft } from "./draft.ts";
import type { Report } from "./findings.ts";
import { exactSpan, holdsAny } from "./locate.ts";
import type { MapNode, Span } from "./node.ts";
import { entryOf } from "./node.ts";
import { brokerNames, embedded, parseRate } from "./plan-queues.ts";
import type { HeadSettings } from "./schema.ts";
import { serviceNames } from "./schema.ts";
import { isQueueName } from "./schema-consume.ts";

/** Throws a SupervisorError that says what is wrong with the time zone, or else with the expression. */
export type ReadCron = (cron: string, timezone: string) => unknown;

/** What `brokers:` must fulfil beyond its types. */
export function checkBrokers({ brokers }: HeadSettings, root: MapNode, report: Report): void {
  const folder = dirname(root.source.file);
  for (const [name, url] of Object.entries(brokers)) {
    const at = exactSpan(root, ["brokers", name, "url"]) ?? exactSpan(root, ["brokers", name]);
    if (!serviceNames.pattern.test(name)) {
      const block = entryOf(root, "brokers")?.value;
      const key = block?.tag === "map" ? entryOf(block, name) : undefined;
      report("BAD_VALUE", key, `"${name}" cannot be the name of a broker`, `Use ${serviceNames.rule}.`);
    }
    const read = readBrokerUrl(url, folder);
    if (!read.ok) report("BAD_BROKER", at, `The URL of broker "${name}" ${read.wrong}`, read.hint);
  }
}

/** What `consume` and `schedule` of services that run must fulfil beyond their types. */
export function checkQueues(
  drafts: readonly Draft[],
  head: HeadSettings,
  root: MapNode,
  cron: ReadCron | undefined,
  report: Report,
): void {
  for (const draft of drafts) {
    const find: Find = (...path) => exactSpan(root, ["services", draft.name, ...path]);
    const isWritten = (broker: string) => exactSpan(root, ["brokers", broker]) !== undefined;
    const holds: About["holds"] = (...path) => holdsAny(root, ["services", draft.name, ...path]);
    const about: About = { draft, head, find, holds, isWritten, report };
    if (draft.settings.consume) checkConsume(about, draft.settings.consume);
    if (draft.settings.schedule) checkSchedule(about, draft.settings.schedule, cron);
  }
}

type Find = (...path: string[]) => Span | undefined;
type ConsumeSettings = NonNullable<Draft["settings"]["consume"]>;
type ScheduleSettings = NonNullable<Draft["settings"]["schedule"]>;

interface About {
  readonly draft: Draft;
  readonly head: HeadSettings;
  readonly find: Find;
  /** Whether something is written in there, be it wrong. */
  readonly holds: (...path: string[]) => boolean;
  /** Whether `brokers:` has that name, whatever it says there. */
  readonly isWritten: (broker: string) => boolean;
  readonly report: Report;
}

function checkConsume(about: About, settings: ConsumeSettings): void {
  const { draft, find, report } = about;
  checkBroker(about, "consume", settings.broker);
  checkNames(about, settings);
  const wrong = (key: string, message: string, hint: string) =>
    report("BAD_VALUE", find("consume", ...key.split(".")) ?? find("consume"), message, hint);
  const { batch, group, buffer, concurrency, limit, timeout } = settings;
  const { min, max } = settings.retry.backoff;
  if (batch && group) {
    wrong(
      "group",
      "consume.batch and consume.group exclude each other",
      "Let one service aggregate the groups, and another one take the batches.",
    );
  }
  if (batch && batch.size > buffer) {
    wrong(
      "batch.size",
      `consume.batch.size (${batch.size}) is more than consume.buffer (${buffer})`,
      "Such a batch would never be full: raise the buffer, or lower the size.",
    );
  } else if (concurrency > buffer) {
    const at = find("consume", "concurrency") ? "concurrency" : "buffer";
    wrong(
      at,
      `consume.concurrency (${concurrency}) is more than consume.buffer (${buffer})`,
      "So many can never be here at once: raise the buffer, or lower the concurrency.",
    );
  }
  if (min > max) {
    const message = `consume.retry.backoff.min (${formatDuration(min)}) is longer than its max (${formatDuration(max)})`;
    wrong(
      find("consume", "retry", "backoff", "min") ? "retry.backoff.min" : "retry.backoff.max",
      message,
      "Lower min, or raise max.",
    );
  }
  if (group && group.max_delay > 0 && group.grace > group.max_delay) {
    const message = `consume.group.grace (${formatDuration(group.grace)}) is longer than its max_delay (${formatDuration(group.max_delay)})`;
    wrong(
      find("consume", "group", "grace") ? "group.grace" : "group.max_delay",
      message,
      "Lower grace, or raise max_delay.",
    );
  }
  for (const key of ["rate", "per_key"] as const) {
    const text = limit?.[key];
    if (text === undefined || parseRate(text).per > 0) continue;
    wrong(
      find("consume", "limit", key) ? `limit.${key}` : "limit",
      `consume.limit of ${text} has no time`,
      "For example: limit: 100/1s.",
    );
  }
  const stop = draft.settings.stop_timeout;
  if (stop !== undefined && timeout > stop) {
    const message = `consume.timeout (${formatDuration(timeout)}) is longer than stop_timeout (${formatDuration(stop)}) of service "${draft.name}"`;
    wrong(
      "timeout",
      message,
      "A message that needs its whole time would be cut off by every stop: raise stop_timeout, or lower the timeout.",
    );
  }
}

function checkNames({ find, holds, report, draft }: About, { queue, queues }: ConsumeSettings): void {
  const own = find("consume");
  const many = find("consume", "queues");
  if (find("consume", "queue") && many) {
    report("BAD_VALUE", many, "consume.queue and consume.queues exclude each other", "Remove one of them.");
  } else if (queue === undefined && queues === undefined) {
    // One that was wrong was told of already.
    if (find("consume", "queue") || many) return;
    report(
      "MISSING_KEY",
      own,
      `Service "${draft.name}" has consume, but neither "queue" nor "queues"`,
      'For example: "queue: order.paid".',
    );
  } else if (queues && Object.keys(queues).length === 0 && !holds("consume", "queues")) {
    report(
      "BAD_VALUE",
      many,
      "consume.queues names no queue",
      "For example: { critical: 6, default: 3, low: 1 }.",
    );
  }
  for (const name of Object.keys(queues ?? {})) {
    if (isQueueName(name)) continue;
    const at = find("consume", "queues", name) ?? many;
    report(
      "BAD_VALUE",
      at,
      `"${name}" cannot be the name of a queue`,
      "Use up to 100 letters, digits, :, ., _ and -, beginning with a letter or a digit.",
    );
  }
}

function checkSchedule(about: About, settings: ScheduleSettings, cron: ReadCron | undefined): void {
  const { draft, find, report } = about;
  checkBroker(about, "schedule", settings.broker);
  if (cron) checkCron(about, settings, cron);
  const { timeout } = settings;
  const stop = draft.settings.stop_timeout;
  if (stop !== undefined && timeout > stop) {
    const message = `schedule.timeout (${formatDuration(timeout)}) is longer than stop_timeout (${formatDuration(stop)}) of service "${draft.name}"`;
    report(
      "BAD_VALUE",
      find("schedule", "timeout"),
      message,
      "A run that needs its whole time would be cut off by every stop: raise stop_timeout, or lower the timeout.",
    );
  }
  if (settings.enqueue && draft.settings.isolation === "worker" && draft.settings.module === undefined) {
    report(
      "BAD_VALUE",
      find("isolation"),
      `Service "${draft.name}" has no module that could run in a thread`,
      'Remove "isolation".',
    );
  }
}

function checkCron(
  { find, report, draft }: About,
  { cron, timezone }: ScheduleSettings,
  read: ReadCron,
): void {
  const wrongZone = complaintOf(() => read("@hourly", timezone));
  const wrong = wrongZone ?? complaintOf(() => read(cron ?? "@hourly", timezone));
  if (!wrong) return;
  const key = wrongZone ? "timezone" : "cron";
  const message = `schedule.${key} of service "${draft.name}": ${wrong.message}`;
  report("BAD_VALUE", find("schedule", key) ?? find("schedule"), message, wrong.hint);
}

function complaintOf(work: () => unknown): SupervisorError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SupervisorError) return error;
    throw error;
  }
}

function checkBroker(about: About, block: "consume" | "schedule", name: string | undefined): void {
  const { head, find, isWritten, report, draft } = about;
  const names = brokerNames(head.brokers);
  const at = find(block, "broker") ?? find(block);
  // One whose URL was wrong was told of already; one whose URL is lacking will be there.
  if (name !== undefined && !names.includes(name) && isWritten(name)) return;
  if (name !== undefined && !names.includes(name)) {
    const near = nearest(name, names);
    const hint = near ? `Did you mean "${near}"?` : `The brokers are: ${names.join(", ")}.`;
    report("BAD_VALUE", at, `${block}.broker of service "${draft.name}" names no broker: "${name}"`, hint);
    return;
  }
  const url = head.brokers[name ?? (names[0] as string)] ?? embedded.url;
  if (draft.settings.isolation !== "worker" || !url.toLowerCase().startsWith("memory:")) return;
  const message = `Service "${draft.name}" runs in a thread of its own, which cannot share a broker in memory`;
  report(
    "BAD_VALUE",
    at,
    message,
    'Give the broker a file, such as "sqlite:./data/queue.db", or remove "isolation: worker".',
  );
}
