import { expect, test } from "bun:test";
import { countReload, noReloads } from "../../src/core/reload-counts.ts";
import type { ServiceSnapshot } from "../../src/core/snapshot.ts";
import type { MetricsView } from "../../src/observe/metrics.ts";
import { renderMetrics } from "../../src/observe/metrics.ts";

const service = (name: string, more: Partial<ServiceSnapshot> = {}): ServiceSnapshot => ({
  name,
  state: "ready",
  generation: 1,
  critical: true,
  since: 0,
  failures: 0,
  ...more,
});

const view = (more: Partial<MetricsView> = {}): MetricsView => ({
  name: "shop",
  version: "1.2.3",
  runtime: "bun 1",
  startedAt: 1_000_000_500,
  now: 1_000_062_750,
  rssBytes: 4096,
  services: [
    service("api", { generation: 3 }),
    service("mail", { state: "backoff", critical: false, failures: 2, generation: 4 }),
    service("paused", { paused: true }),
  ],
  reloads: countReload(countReload(noReloads, "applied", 5), "failed", 1_000_060_000),
  frozen: false,
  stopping: false,
  delay: { p50: 0.1, p99: 12, max: 250.4 },
  longestMs: (name) => (name === "api" ? 250 : undefined),
  work: new Map(),
  ...more,
});

const golden = `# HELP supervisor_build_info Which supervisor this is; always 1.
# TYPE supervisor_build_info gauge
supervisor_build_info{name="shop",version="1.2.3",runtime="bun 1"} 1
# HELP supervisor_uptime_seconds Time since the process started.
# TYPE supervisor_uptime_seconds gauge
supervisor_uptime_seconds 62.25
# HELP supervisor_stopping Whether the stop has begun.
# TYPE supervisor_stopping gauge
supervisor_stopping 0
# HELP process_start_time_seconds When the process started, since 1970.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1000000.5
# HELP process_resident_memory_bytes Memory of the whole process.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 4096
# HELP supervisor_reloads_total Reloads of services.yaml; failed: nothing was applied, or not every step.
# TYPE supervisor_reloads_total counter
supervisor_reloads_total{result="applied"} 1
supervisor_reloads_total{result="unchanged"} 0
supervisor_reloads_total{result="failed"} 1
# HELP supervisor_last_reload_successful Whether the last reload succeeded; 1 before the first.
# TYPE supervisor_last_reload_successful gauge
supervisor_last_reload_successful 0
# HELP supervisor_last_reload_timestamp_seconds When the last reload ended, since 1970; absent before the first.
# TYPE supervisor_last_reload_timestamp_seconds gauge
supervisor_last_reload_timestamp_seconds 1000060
# HELP supervisor_event_loop_frozen Whether the event loop of the services does not turn.
# TYPE supervisor_event_loop_frozen gauge
supervisor_event_loop_frozen 0
# HELP supervisor_event_loop_delay_seconds How late the event loop was over the last minute.
# TYPE supervisor_event_loop_delay_seconds gauge
supervisor_event_loop_delay_seconds{quantile="0.5"} 0.0001
supervisor_event_loop_delay_seconds{quantile="0.99"} 0.012
supervisor_event_loop_delay_seconds{quantile="1"} 0.2504
# HELP supervisor_service_longest_stretch_seconds The longest time for which a service has kept the event loop from everybody; absent below 20 ms.
# TYPE supervisor_service_longest_stretch_seconds gauge
supervisor_service_longest_stretch_seconds{service="api"} 0.25
# HELP supervisor_services Services by their state.
# TYPE supervisor_services gauge
supervisor_services{state="pending"} 0
supervisor_services{state="loading"} 0
supervisor_services{state="starting"} 0
supervisor_services{state="ready"} 2
supervisor_services{state="unhealthy"} 0
supervisor_services{state="stopping"} 0
supervisor_services{state="stopped"} 0
supervisor_services{state="backoff"} 1
supervisor_services{state="quarantined"} 0
supervisor_services{state="completed"} 0
supervisor_services{state="failed"} 0
# HELP supervisor_service_state 1 for the state that each service is in.
# TYPE supervisor_service_state gauge
supervisor_service_state{service="api",state="ready"} 1
supervisor_service_state{service="mail",state="backoff"} 1
supervisor_service_state{service="paused",state="ready"} 1
# HELP supervisor_service_ready Whether the service takes work.
# TYPE supervisor_service_ready gauge
supervisor_service_ready{service="api"} 1
supervisor_service_ready{service="mail"} 0
supervisor_service_ready{service="paused"} 0
# HELP supervisor_service_critical Whether giving the service up ends the process.
# TYPE supervisor_service_critical gauge
supervisor_service_critical{service="api"} 1
supervisor_service_critical{service="mail"} 0
supervisor_service_critical{service="paused"} 1
# HELP supervisor_service_generation The number of the generation of the service, from 1; 0 before the first.
# TYPE supervisor_service_generation gauge
supervisor_service_generation{service="api"} 3
supervisor_service_generation{service="mail"} 4
supervisor_service_generation{service="paused"} 1
# HELP supervisor_service_restarts_total Generations after the first: after failures, by operators, by reloads.
# TYPE supervisor_service_restarts_total counter
supervisor_service_restarts_total{service="api"} 2
supervisor_service_restarts_total{service="mail"} 3
supervisor_service_restarts_total{service="paused"} 0
# HELP supervisor_service_failures Failures of the service since it was last stable.
# TYPE supervisor_service_failures gauge
supervisor_service_failures{service="api"} 0
supervisor_service_failures{service="mail"} 2
supervisor_service_failures{service="paused"} 0
`;

test("renderMetrics() gives Prometheus' text, every family with its help and type", () => {
  expect(renderMetrics(view())).toBe(golden);
});

test("renderMetrics() escapes what a label may not hold as it is", () => {
  const text = renderMetrics(view({ name: 'a"b\\c\nd', version: "{x}" }));
  expect(text).toContain('supervisor_build_info{name="a\\"b\\\\c\\nd",version="{x}",runtime="bun 1"} 1\n');
});

test("renderMetrics() leaves out what is not known, with its header", () => {
  const text = renderMetrics(
    view({ services: [], reloads: noReloads, delay: undefined, longestMs: () => undefined }),
  );
  expect(text).not.toContain("event_loop_delay");
  expect(text).not.toContain("longest_stretch");
  expect(text).not.toContain("last_reload_timestamp");
  expect(text).not.toContain("supervisor_service_state");
  expect(text).toContain("supervisor_last_reload_successful 1\n");
  expect(text).toContain('supervisor_services{state="ready"} 0\n');
  expect(text.split("\n").filter((line) => line === "")).toEqual([""]);
});
