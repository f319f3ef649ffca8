import { apiPrefix } from "../src/control/api-prefix.ts";
import type { Route } from "../src/control/routes.ts";
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
    "  `/tmp/supervisor-UID/NAME.sock`; its pid lies beside it as `NAME.pid`. The commands of `supervisor` use it.",
    "- **`admin.listen`**, below `/api/v1`. With `admin.token` every request sends `authorization: Bearer TOKEN`.",
    "  Without one only addresses of this machine answer. The `Host` header must name the listener, an `Origin` must",
    "  be the listener's own, and `admin.read_only: true` refuses whatever changes something.",
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
    "## Injected request",
    "",
    ...table(injectSchema),
  ].join("\n");
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
    ...(body ? ["The body is an injected request (below).", ""] : []),
    ...(rows.length > 0 ? [...rows, ""] : []),
    `Answers ${isLines ? "NDJSON" : "JSON"}. ${answer.summary}`,
    "",
  ];
}

function table({ properties = {}, required = [] }: Schema): string[] {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const allowed = schema.enum ? schema.enum.map((value) => `\`${value}\``).join(", ") : "";
    const about = [schema.description, allowed].filter(Boolean).join(" ");
    return `| \`${name}\` | ${schema.type}${required.includes(name) ? "" : ", optional"} | ${about} |`;
  });
  return ["| Member | Type | It means |", "| --- | --- | --- |", ...rows, ""];
}
