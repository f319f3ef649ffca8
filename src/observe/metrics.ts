import type { ReloadCounts } from "../core/reload-counts.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ServiceSnapshot, ServiceState } from "../core/snapshot.ts";
import type { LoopDelay } from "./stretches.ts";
import type { WorkFamily, WorkSample } from "./work-metrics.ts";
import { workFamilies } from "./work-metrics.ts";

/** What is known, at the time of a question. Times are milliseconds, points in time milliseconds since 1970. */
export interface MetricsView {
  /** Of the supervisor of this services.yaml. */
  readonly name: string;
  readonly version: string;
  readonly runtime: string;
  readonly startedAt: number;
  readonly now: number;
  readonly rssBytes: number;
  readonly services: readonly ServiceSnapshot[];
  readonly reloads: ReloadCounts;
  readonly frozen: boolean;
  readonly stopping: boolean;
  /** How late the event loop was over the last minute; undefined before its first beat. */
  readonly delay: LoopDelay | undefined;
  /** How long the service has kept the event loop at most; undefined when it never did. */
  readonly longestMs: (service: string) => number | undefined;
  /** Of those that have a queue or a schedule. */
  readonly work: ReadonlyMap<string, ServiceWork>;
}

/** All metrics in Prometheus' text format. */
export function renderMetrics(view: MetricsView): string {
  return [
    ...ofSupervisor(view),
    ...ofReloads(view),
    ...ofLoop(view),
    ...ofServices(view),
    ...workFamilies(view.work),
  ]
    .map(renderFamily)
    .join("");
}

export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

interface Family extends Omit<WorkFamily, "samples"> {
  readonly samples: readonly Sample[];
}

type Sample = Omit<WorkSample, "labels"> & Partial<Pick<WorkSample, "labels">>;

function ofSupervisor({ name, version, runtime, startedAt, now, rssBytes, stopping }: MetricsView): Family[] {
  return [
    gauge("supervisor_build_info", "Which supervisor this is; always 1.", [
      { labels: { name, version, runtime }, value: 1 },
    ]),
    gauge("supervisor_uptime_seconds", "Time since the process started.", [
      { value: seconds(Math.max(0, now - startedAt)) },
    ]),
    gauge("supervisor_stopping", "Whether the stop has begun.", [{ value: Number(stopping) }]),
    gauge("process_start_time_seconds", "When the process started, since 1970.", [
      { value: seconds(startedAt) },
    ]),
    gauge("process_resident_memory_bytes", "Memory of the whole process.", [{ value: rssBytes }]),
  ];
}

function ofReloads({ reloads }: MetricsView): Family[] {
  const { last } = reloads;
  const results = ["applied", "unchanged", "failed"] as const;
  return [
    counter(
      "supervisor_reloads_total",
      "Reloads of services.yaml; failed: nothing was applied, or not every step.",
      results.map((result) => ({ labels: { result }, value: reloads[result] })),
    ),
    gauge("supervisor_last_reload_successful", "Whether the last reload succeeded; 1 before the first.", [
      { value: Number(last?.result !== "failed") },
    ]),
    gauge(
      "supervisor_last_reload_timestamp_seconds",
      "When the last reload ended, since 1970; absent before the first.",
      last ? [{ value: seconds(last.at) }] : [],
    ),
  ];
}

function ofLoop({ frozen, delay, services, longestMs }: MetricsView): Family[] {
  const quantiles = delay
    ? ([
        ["0.5", delay.p50],
        ["0.99", delay.p99],
        ["1", delay.max],
      ] as const)
    : [];
  return [
    gauge("supervisor_event_loop_frozen", "Whether the event loop of the services does not turn.", [
      { value: Number(frozen) },
    ]),
    gauge(
      "supervisor_event_loop_delay_seconds",
      "How late the event loop was over the last minute.",
      quantiles.map(([quantile, ms]) => ({ labels: { quantile }, value: seconds(ms) })),
    ),
    gauge(
      "supervisor_service_longest_stretch_seconds",
      "The longest time for which a service has kept the event loop from everybody; absent below 20 ms.",
      services.flatMap(({ name }) => {
        const ms = longestMs(name);
        return ms === undefined ? [] : [{ labels: { service: name }, value: seconds(ms) }];
      }),
    ),
  ];
}

const states: readonly ServiceState[] = [
  "pending",
  "loading",
  "starting",
  "ready",
  "unhealthy",
  "stopping",
  "stopped",
  "backoff",
  "quarantined",
  "completed",
  "failed",
];

function ofServices({ services }: MetricsView): Family[] {
  const of = (value: (service: ServiceSnapshot) => number) =>
    services.map((service) => ({ labels: { service: service.name }, value: value(service) }));
  const counts = new Map<ServiceState, number>(states.map((state) => [state, 0]));
  for (const { state } of services) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [
    gauge(
      "supervisor_services",
      "Services by their state.",
      [...counts].map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge(
      "supervisor_service_state",
      "1 for the state that each service is in.",
      services.map(({ name, state }) => ({ labels: { service: name, state }, value: 1 })),
    ),
    gauge(
      "supervisor_service_ready",
      "Whether the service takes work.",
      of(({ state, paused }) => Number(state === "ready" && !paused)),
    ),
    gauge(
      "supervisor_service_critical",
      "Whether giving the service up ends the process.",
      of(({ critical }) => Number(critical)),
    ),
    gauge(
      "supervisor_service_generation",
      "The number of the generation of the service, from 1; 0 before the first.",
      of(({ generation }) => generation),
    ),
    counter(
      "supervisor_service_restarts_total",
      "Generations after the first: after failures, by operators, by reloads.",
      of(({ generation }) => Math.max(0, generation - 1)),
    ),
    gauge(
      "supervisor_service_failures",
      "Failures of the service since it was last stable.",
      of(({ failures }) => failures),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}

/** Nothing of a family without samples: what is not known is not told. */
function renderFamily({ name, type, help, samples }: Family): string {
  if (samples.length === 0) return "";
  const lines = samples.map(
    ({ suffix = "", labels, value }) => `${name}${suffix}${renderLabels(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function renderLabels(labels: Sample["labels"]): string {
  if (!labels) return "";
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** To the tenth of a millisecond. */
function seconds(ms: number): number {
  return Math.round(ms * 10) / 10_000;
}
