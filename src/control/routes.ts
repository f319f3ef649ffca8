import { queueRoutes } from "./queue-routes.ts";
import type { Parameter, Route } from "./route.ts";
import { timeout, wait } from "./route.ts";
import { actSchema, commandResultSchema, injectSchema, serviceSchema, statusSchema } from "./schemas.ts";

const follow: Parameter = {
  name: "follow",
  schema: { type: "boolean", default: false },
  summary:
    'Goes on with what comes. An empty line comes every 10 s when nothing else does; a reader that is too slow loses the oldest lines and is told `{"type":"dropped","count":N}`.',
};
const count: Parameter = {
  name: "n",
  schema: { type: "integer", default: 100, minimum: 0, maximum: 100_000 },
  summary: "How many of the last lines, at most.",
};
const result = { type: "application/json", schema: commandResultSchema, summary: "What was done." } as const;

function verb(word: string, summary: string): Route {
  return {
    method: "POST",
    path: `/services/{name}/${word}`,
    summary,
    query: [wait, timeout],
    answer: result,
    writes: true,
  };
}

export const routes = {
  status: {
    method: "GET",
    path: "/status",
    summary: "Everything that is known, also while the event loop is frozen.",
    answer: { type: "application/json", schema: statusSchema, summary: "The state of the supervisor." },
  },
  service: {
    method: "GET",
    path: "/services/{name}",
    summary: "The same about one service.",
    answer: { type: "application/json", schema: serviceSchema, summary: "The state of the service." },
  },
  events: {
    method: "GET",
    path: "/events",
    summary: "The last events, and with `follow` those to come.",
    query: [count, follow],
    answer: {
      type: "application/x-ndjson",
      summary: "One event a line: `time`, `type` and what belongs to it.",
    },
  },
  logs: {
    method: "GET",
    path: "/logs",
    summary: "The last lines of the log; they outlive the service's generations.",
    query: [
      {
        name: "service",
        schema: { type: "array", items: { type: "string" } },
        summary: "Only these, names or globs; may be repeated. Absent: all, and the supervisor's own.",
      },
      count,
      follow,
    ],
    answer: {
      type: "application/x-ndjson",
      summary: "One record a line: `time`, `level`, `msg`, `service` …",
    },
  },
  start: verb(
    "start",
    "Starts services that do not run. {name} may be a glob, and several with commas between them.",
  ),
  stop: verb(
    "stop",
    "Stops services; they stay stopped until they are started. {name} may be a glob, and several with commas between them.",
  ),
  restart: verb(
    "restart",
    "Replaces services: the new generation takes over when it is ready. {name} may be a glob, and several with commas between them.",
  ),
  pause: verb(
    "pause",
    "Lets services take nothing new; HTTP answers 503. {name} may be a glob, and several with commas between them.",
  ),
  resume: verb("resume", "Ends a pause. {name} may be a glob, and several with commas between them."),
  act: {
    method: "POST",
    path: "/services",
    summary: "The same for any number of services, more than fit into an address.",
    query: [wait, timeout],
    body: actSchema,
    answer: result,
    writes: true,
  },
  reload: {
    method: "POST",
    path: "/reload",
    summary: "Reads services.yaml again and applies what changed.",
    query: [
      {
        name: "dry_run",
        schema: { type: "boolean", default: false },
        summary: "Only says what would change.",
      },
      wait,
      timeout,
    ],
    answer: result,
    writes: true,
  },
  diff: {
    method: "GET",
    path: "/diff",
    summary: "What a reload would change.",
    query: [timeout],
    answer: result,
  },
  inject: {
    method: "POST",
    path: "/inject",
    summary: "Sends a request into a service, without a network.",
    query: [timeout],
    body: injectSchema,
    answer: result,
    writes: true,
  },
  shutdown: {
    method: "POST",
    path: "/shutdown",
    summary: "Stops everything in order and ends the process.",
    query: [wait, timeout],
    answer: result,
    writes: true,
  },
  ...queueRoutes,
  openapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description.",
    answer: { type: "application/json", schema: { type: "object" }, summary: "OpenAPI 3.1." },
    open: true,
  },
} as const satisfies Readonly<Record<string, Route>>;

export type Operation = keyof typeof routes;

export interface RouteMatch {
  readonly operation: Operation;
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The route of a request, or which methods its path knows; none when there is no such path. */
export function findRoute(
  method: string,
  path: string,
): RouteMatch | { readonly allowed: readonly string[] } {
  const parts = path.split("/");
  const allowed: string[] = [];
  for (const [operation, route] of Object.entries(routes) as [Operation, Route][]) {
    const parameters = matchParts(route.path.split("/"), parts);
    if (!parameters) continue;
    if (route.method === method) return { operation, route, parameters };
    allowed.push(route.method);
  }
  return { allowed };
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] as string;
    if (wanted.startsWith("{")) {
      if (part === "") return undefined;
      parameters[wanted.slice(1, -1)] = decoded(part);
    } else if (wanted !== part) return undefined;
  }
  return parameters;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not percent-encoded: the name is what stands there.
    return part;
  }
}
