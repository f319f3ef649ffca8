import { nearest } from "../core/nearest.ts";
import type { Check, HealthStatus, HealthView } from "./health.ts";
import { liveChecks, overall, readyChecks, readyChecksOf } from "./health.ts";

export interface HealthQuestion {
  readonly method: string;
  readonly url: URL;
  readonly accept: string | null;
}

export interface HealthAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Answers a question about health: `/livez`, `/readyz`, `/readyz/NAME`, `/healthz`, and `/` with what there
 * is. `?verbose` lists every check, `?exclude=NAME` leaves one out; by `Accept` it is health JSON.
 */
export function answerHealth({ method, url, accept }: HealthQuestion, view: HealthView): HealthAnswer {
  if (method !== "GET" && method !== "HEAD") {
    return text(405, `${method} is not allowed here: use GET\n`, { allow: "GET, HEAD" });
  }
  const [, route = "", name, ...more] = url.pathname.split("/");
  if (more.length === 0 && name === undefined) {
    if (route === "") return text(200, index(view));
    if (route === "livez") return answer(route, liveChecks(view), url, accept, view);
    if (route === "readyz" || route === "healthz") return answer(route, readyChecks(view), url, accept, view);
  }
  if (more.length > 0 || !name || route !== "readyz") return text(404, notFound(url.pathname));
  const service = decoded(name);
  const checks = readyChecksOf(view, service);
  return checks ? answer(route, checks, url, accept, view) : text(404, noService(service, view));
}

const routes: readonly (readonly [string, string])[] = [
  ["/livez", "is the main loop turning?"],
  ["/readyz", "may traffic come?"],
  ["/readyz/NAME", "may traffic come to this service?"],
  ["/healthz", "is everything well? (also what is not critical)"],
  ["/metrics", "the same as figures, for Prometheus"],
];

function answer(
  route: string,
  checks: readonly Check[],
  url: URL,
  accept: string | null,
  view: HealthView,
): HealthAnswer {
  const excluded = new Set(url.searchParams.getAll("exclude"));
  const counted = checks.filter((check) => !excluded.has(check.name));
  const worst = overall(counted);
  // What is not critical is no reason to send traffic elsewhere.
  const status: HealthStatus = worst === "warn" && route === "readyz" ? "pass" : worst;
  const code = status === "fail" ? 503 : 200;
  const notes = unmatched(excluded, checks);
  const type = jsonType(accept);
  if (type) return reply(code, `${JSON.stringify(healthJson(status, counted, notes, view))}\n`, type);
  const warnings = notes.map((note) => `warn: ${note}`);
  if (status === "pass" && !url.searchParams.has("verbose")) {
    return text(code, `${["ok", ...warnings].join("\n")}\n`);
  }
  const lines = [
    ...checks.map((check) => line(check, excluded)),
    ...warnings,
    `${route} check ${status === "fail" ? "failed" : "passed"}`,
  ];
  return text(code, `${lines.join("\n")}\n`);
}

/** Checks that are only there while there is something to say. */
const atTimes = ["shutdown"] as const;

/** A check that is misspelt counts all the same; whoever asks should learn why. The words are Kubernetes' own. */
function unmatched(excluded: ReadonlySet<string>, checks: readonly Check[]): string[] {
  const known = new Set([...checks.map((check) => check.name), ...atTimes]);
  const unknown = [...excluded].filter((name) => !known.has(name));
  if (unknown.length === 0) return [];
  const names = unknown.map((name) => JSON.stringify(name)).join(", ");
  return [`some health checks cannot be excluded: no matches for ${names}`];
}

function line(check: Check, excluded: ReadonlySet<string>): string {
  if (excluded.has(check.name)) return `[+]${check.name} excluded: ok`;
  if (check.status === "pass") return `[+]${check.name} ok${check.detail ? ` (${check.detail})` : ""}`;
  return check.status === "warn"
    ? `[!]${check.name} warning: ${check.output}`
    : `[-]${check.name} failed: ${check.output}`;
}

/** The form of draft-inadarei-api-health-check. */
function healthJson(
  status: HealthStatus,
  checks: readonly Check[],
  notes: readonly string[],
  view: HealthView,
): unknown {
  return {
    status,
    serviceId: view.name,
    ...(notes.length > 0 ? { notes } : {}),
    checks: Object.fromEntries(
      checks.map((check) => [
        `${check.name}:${check.measure}`,
        [
          {
            status: check.status,
            observedValue: check.value,
            ...(typeof check.value === "number" ? { observedUnit: "ms" } : {}),
            time: new Date(check.since).toISOString(),
            ...outputOf(check),
          },
        ],
      ]),
    ),
  };
}

function outputOf({ output, detail }: Check): { output?: string } {
  const text = [output, detail].filter((part) => part !== undefined).join("; ");
  return text === "" ? {} : { output: text };
}

function jsonType(accept: string | null): string | undefined {
  return ["application/health+json", "application/json"].find((type) => accept?.includes(type));
}

function index(view: HealthView): string {
  return `${view.name}: supervised by supervisor\n\n${routeList()}\nAdd ?verbose for every check, ?exclude=NAME to leave one out.\n`;
}

function notFound(path: string): string {
  return `There is nothing at ${path}. What there is:\n\n${routeList()}`;
}

function routeList(): string {
  return routes.map(([path, about]) => `${path.padEnd(14)}${about}\n`).join("");
}

function noService(name: string, { services }: HealthView): string {
  const names = services.map((service) => service.name);
  const near = nearest(name, names);
  return `no service "${name}"; ${near ? `did you mean "${near}"?` : `known services: ${names.join(", ")}`}\n`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not percent-encoded: the name is what stands there.
    return part;
  }
}

function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): HealthAnswer {
  return reply(status, body, "text/plain; charset=utf-8", headers);
}

function reply(
  status: number,
  body: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): HealthAnswer {
  const common = { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return { status, headers: { ...common, ...headers }, body };
}
