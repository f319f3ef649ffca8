import { apiPrefix } from "../src/control/api-prefix.ts";
import { enqueueSchema, selectionSchema, taskSchema } from "../src/control/queue-schemas.ts";
import type { Route } from "../src/control/route.ts";
import { routes } from "../src/control/routes.ts";
import type { Schema } from "../src/control/schemas.ts";
import { commandResultSchema, injectSchema, serviceSchema, statusSchema } from "../src/control/schemas.ts";

/** docs/api.md: what a running supervisor answers. */
export function apiPage(): string {
  return [
    "<!-- Made from src/control/routes.ts by `npm run docs`. -->",
    "",
    "# The API of a running supervisor",
    "",
    "HTTP and JSON, the same in two places:",
    "",
    "- **The control socket**, a unix socket with mode 0600 in a folder that only its owner may enter:",
    "  `$RUNTIME_DIRECTORY/supervisor/NAME.sock` (systemd), else `$XDG_RUNTIME_DIR/supervisor/NAME.sock`, else",
    "  `/tmp/supervisor-UID/NAME.sock`; its pid lies beside it as `NAME.pid`. The commands of `supervisor` use it. What is",
    "  deleted of it is there again after two seconds.",
    "- **`admin.listen`**, below `/api/v1`. With `admin.token` every request sends `authorization: Bearer TOKEN`.",
    "  Without one it answers only while the listener itself is on an address of this machine. The `Host` header must",
    "  name the listener, an `Origin` must be the listener's own, and `admin.read_only: true` refuses whatever changes",
    "  something.",
    "",
    "```sh",
    `curl --unix-socket $XDG_RUNTIME_DIR/supervisor/shop.sock http://x${apiPrefix}/status`,
    "```",
    "",
    "A body is JSON with `content-type: application/json`. An error is JSON with `code`, `message` and `hint`; a step",
    "that failed is 409, and its error stands beside the result. 503 `FROZEN` means that a service blocks the event",
    "loop: the command is dropped; `status`, `logs` and `events` answer all the same. The description for programs is",
    `\`GET ${apiPrefix}/openapi.json\`.`,
    "",
    ...Object.values(routes).flatMap(section),
    ...metricsSection,
    "## Status",
    "",
    ...table(statusSchema),
    "## Service",
    "",
    ...table(serviceSchema),
    "## Result",
    "",
    ...table(commandResultSchema),
    "Each of `steps`:",
    "",
    ...table(commandResultSchema.properties?.steps?.items ?? {}),
    ...bodies.flatMap(([title, schema]) => [`## ${title}`, "", ...table(schema)]),
    "## Task",
    "",
    ...table(taskSchema),
  ].join("\n");
}

const metricsSection = [
  "## GET /metrics",
  "",
  "Prometheus' text format, in both places, also while a service blocks the event loop. It is beside `/api/v1`, and lets in",
  "whom the API lets read: with `admin.token` the scraper sends it, and it asks for the listener by its address, or by the",
  "host that `admin.listen` names.",
  "",
  "```yaml",
  "scrape_configs:",
  "  - job_name: shop",
  "    authorization: { credentials_file: /run/secrets/admin-token }",
  "    static_configs: [{ targets: [10.0.0.7:6060] }]",
  "```",
  "",
  "| Metric | What it is |",
  "| --- | --- |",
  "| `supervisor_build_info{name,version,runtime}` | always 1 |",
  "| `supervisor_uptime_seconds`, `process_start_time_seconds`, `process_resident_memory_bytes` | of the process |",
  "| `supervisor_stopping` | 1 from the begin of the stop on |",
  "| `supervisor_reloads_total{result}` | `applied`, `unchanged`, or `failed`: nothing was applied, or not every step |",
  "| `supervisor_last_reload_successful`, `supervisor_last_reload_timestamp_seconds` | how the last one went, and when |",
  "| `supervisor_event_loop_frozen`, `supervisor_event_loop_delay_seconds{quantile}` | now; over the last minute |",
  "| `supervisor_services{state}` | how many services are in each state |",
  "| `supervisor_service_state{service,state}` | 1 for the state that it is in |",
  "| `supervisor_service_ready{service}`, `supervisor_service_critical{service}` | 0 or 1; one that is paused is not ready |",
  "| `supervisor_service_generation{service}`, `supervisor_service_restarts_total{service}` | generations after the first count as restarts, refused ones too: after failures, by operators, by reloads |",
  "| `supervisor_service_failures{service}` | since it was last stable |",
  "| `supervisor_service_longest_stretch_seconds{service}` | how long its code has kept the event loop at most |",
  "| `supervisor_consumer_received_total{service}` | messages that came from the broker |",
  "| `supervisor_consumer_messages_total{service,outcome}` | what became of them: `done`, `failed` (tried again), `dead` (archived), `released` (handed back), `lost` (the lease is another's) |",
  "| `supervisor_consumer_active{service}`, `supervisor_consumer_buffered{service}` | messages whose handlers run; those that are here and have not begun |",
  "| `supervisor_consumer_blocked_keys{service}` | keys whose messages wait in the broker for one that is tried again, or takes long |",
  "| `supervisor_consumer_group_failures_total{service}`, `supervisor_consumer_failing_groups{service}` | calls of `aggregate` that failed; groups that have failed and not been made one since |",
  "| `supervisor_consumer_lag_seconds{service}` | how long the oldest buffered message has waited |",
  "| `supervisor_consumer_wait_seconds`, `supervisor_consumer_handler_seconds` | histograms by `service`: from when a message was due to its handler's call; how long handlers took |",
  "| `supervisor_schedule_runs_total{service,outcome}` | planned times: `done`, `failed`, `skipped` |",
  "| `supervisor_schedule_running{service}`, `supervisor_schedule_next_timestamp_seconds{service}` | runs that go on; the next planned time |",
  "",
] as const;

const bodies: readonly (readonly [title: string, schema: Schema])[] = [
  ["Injected request", injectSchema],
  ["Task to enqueue", enqueueSchema],
  ["Selection of tasks", selectionSchema],
];

function bodyLines(body: Schema | undefined): string[] {
  const [title] = bodies.find(([, schema]) => schema === body) ?? [];
  return title === undefined
    ? []
    : [`The body: [${title}](#${title.toLowerCase().replaceAll(" ", "-")}).`, ""];
}

function section({ method, path, summary, query = [], answer, body }: Route): string[] {
  const rows = query.map(({ name, schema, summary: about }) => {
    const usual = schema.default === undefined ? "" : ` Default: \`${schema.default}\`.`;
    return `- \`?${name}\`: ${about}${usual}`;
  });
  const isLines = answer.type === "application/x-ndjson";
  return [
    `## ${method} ${apiPrefix}${path}`,
    "",
    summary,
    "",
    ...bodyLines(body),
    ...(rows.length > 0 ? [...rows, ""] : []),
    `Answers ${isLines ? "NDJSON" : "JSON"}. ${answer.summary}`,
    "",
  ];
}

function table({ properties = {}, required = [] }: Schema): string[] {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const allowed = schema.enum ? schema.enum.map((value) => `\`${value}\``).join(", ") : "";
    const about = [schema.description, allowed].filter(Boolean).join(" ");
    return `| \`${name}\` | ${schema.type ?? "any"}${required.includes(name) ? "" : ", optional"} | ${about} |`;
  });
  return ["| Member | Type | It means |", "| --- | --- | --- |", ...rows, ""];
}
