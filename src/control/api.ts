import type { Command, CommandResult, InjectedRequest } from "../core/command.ts";
import { messageOf } from "../core/errors.ts";
import { matchNames } from "../core/glob.ts";
import { nearest } from "../core/nearest.ts";
import { ApiError } from "./api-error.ts";
import { apiPrefix } from "./api-prefix.ts";
import type { Entrance } from "./guard.ts";
import { guard } from "./guard.ts";
import type { Known } from "./known.ts";
import type { LogStore } from "./log-store.ts";
import { openApi } from "./openapi.ts";
import type { PendingCommands } from "./pending.ts";
import { countOf, isSet, timeoutOf } from "./query.ts";
import type { QueueOperation } from "./queue-requests.ts";
import { isQueueOperation, queueCommandOf } from "./queue-requests.ts";
import { readJson } from "./request-body.ts";
import type { Operation, RouteMatch } from "./routes.ts";
import { findRoute } from "./routes.ts";
import { serviceActions } from "./schemas.ts";
import type { Status } from "./status.ts";
import type { Tail } from "./tail.ts";
import { createTail } from "./tail.ts";

export interface ApiOptions {
  readonly known: Known;
  readonly status: () => Status;
  readonly send: PendingCommands["send"];
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
}

export interface Api {
  /** Answers what is below `/api/v1`; undefined for other paths. Never rejects. */
  answer(request: Request, entrance: Entrance): Promise<Response> | undefined;
  /** Ends every stream. */
  close(): void;
}

/** Streams that may be open at once: each may hold a quarter of a megabyte. */
const mostStreams = 64;

/** The API of a running supervisor, the same on the control socket and on the admin listener. */
export function createApi(options: ApiOptions): Api {
  const tails = new Set<Tail>();

  async function answer(request: Request, url: URL, entrance: Entrance): Promise<Response> {
    try {
      const match = findRoute(request.method, url.pathname.slice(apiPrefix.length));
      if ("allowed" in match) throw noRoute(request.method, url.pathname, match.allowed);
      const { writes, open } = match.route;
      guard(request, entrance, { writes: writes ?? false, open: open ?? false });
      const call = { request, url, match, options, tails };
      const { operation } = match;
      return await (isQueueOperation(operation) ? onQueues(call, operation) : handlers[operation](call));
    } catch (error) {
      return failed(error, options.redact);
    }
  }

  return {
    answer(request, entrance) {
      const url = new URL(request.url);
      return url.pathname.startsWith(`${apiPrefix}/`) ? answer(request, url, entrance) : undefined;
    },
    close() {
      for (const tail of [...tails]) tail.end();
    },
  };
}

interface Call {
  readonly request: Request;
  readonly url: URL;
  readonly match: RouteMatch;
  readonly options: ApiOptions;
  readonly tails: Set<Tail>;
}

type Handler = (call: Call) => Response | Promise<Response>;

const handlers: Readonly<Record<Exclude<Operation, QueueOperation>, Handler>> = {
  status: ({ options }) => json(200, options.status(), options.redact),
  service(call) {
    const name = call.match.parameters.name as string;
    const service = call.options.status().services.find((one) => one.name === name);
    if (!service) throw unknownService(name, call.options.known);
    return json(200, service, call.options.redact);
  },
  events: (call) => lines(call, call.options.known.events, undefined),
  logs: (call) => lines(call, call.options.known.logs, servicesAsked(call)),
  start: (call) => act(call, "start", namesIn(call)),
  stop: (call) => act(call, "stop", namesIn(call)),
  restart: (call) => act(call, "restart", namesIn(call)),
  pause: (call) => act(call, "pause", namesIn(call)),
  resume: (call) => act(call, "resume", namesIn(call)),
  act: async (call) => {
    const { action, services } = actionOf(await readJson(call.request));
    return act(call, action, services);
  },
  reload: (call) => run(call, { tag: "reload", dryRun: isSet(call.url, "dry_run", false) }),
  diff: (call) => run(call, { tag: "reload", dryRun: true }),
  inject: async (call) => run(call, injectCommand(await readJson(call.request), call.options.known)),
  shutdown: (call) => run(call, { tag: "shutdown" }),
  openapi: () => json(200, openApi()),
};

/** A payload may have 16 MiB, and there are the options beside it. */
const mostEnqueuedMiB = 17;

/** The answer itself, without the result around it: that is what was asked for. */
async function onQueues(
  { request, url, match, options }: Call,
  operation: QueueOperation,
): Promise<Response> {
  const most = operation === "enqueueTask" ? mostEnqueuedMiB : undefined;
  const body = match.route.method === "POST" ? await readJson(request, most) : {};
  const command = queueCommandOf(operation, { url, parameters: match.parameters, body, now: Date.now() });
  const sent = { tag: "queues", command } as const;
  const result = await options.send(sent, { wait: true, timeoutMs: timeoutOf(url) });
  if (result?.outcome === "done") return json(200, result.answer ?? {}, options.redact);
  const error = firstError(result ?? { steps: [] });
  return json(queueStatus[error.code] ?? 409, error, options.redact);
}

const queueStatus: Readonly<Record<string, number>> = {
  BAD_REQUEST: 400,
  UNKNOWN_BROKER: 404,
  UNKNOWN_QUEUE: 404,
  UNKNOWN_TASK: 404,
  UNKNOWN_SCHEDULE: 404,
  TASK_INVALID: 400,
  UNSUPPORTED: 404,
  BROKER_UNREACHABLE: 503,
  BROKER_FULL: 507,
  BROKER_REFUSED: 502,
  BROKER_KEY: 502,
  BAD_BROKER: 502,
};

function namesIn({ match }: Call): string[] {
  return (match.parameters.name as string).split(",");
}

type Action = (typeof serviceActions)[number];

function actionOf({ action, services }: Readonly<Record<string, unknown>>) {
  const areNames =
    Array.isArray(services) && services.length > 0 && services.every((name) => typeof name === "string");
  if (!areNames || !serviceActions.includes(action as Action)) {
    throw new ApiError(
      400,
      "BAD_REQUEST",
      "An action needs its name, and the names of services",
      'For example: {"action":"restart","services":["api","pay-*"]}.',
    );
  }
  return { action: action as Action, services: services as readonly string[] };
}

function act(call: Call, tag: Action, names: readonly string[]): Promise<Response> {
  // Main knows best, but may be frozen: what is misspelt is told at once.
  const { unmatched } = matchNames(names, [...call.options.known.services.keys()]);
  if (unmatched[0] !== undefined) throw unknownService(unmatched[0], call.options.known);
  return run(call, { tag, services: names });
}

async function run({ url, options }: Call, command: Command): Promise<Response> {
  const wait = isSet(url, "wait", true);
  const result = await options.send(command, { wait, timeoutMs: timeoutOf(url) });
  if (!result) return json(202, { outcome: "accepted", steps: [] });
  // What a service has answered is its own: nothing is taken out of it.
  const redact = command.tag === "inject" ? undefined : options.redact;
  if (result.outcome === "done") return json(200, result, redact);
  const error = firstError(result);
  const status = error.code === "UNKNOWN_SERVICE" ? 404 : 409;
  return json(status, { ...result, ...error }, redact);
}

function firstError({ problems, steps }: Pick<CommandResult, "problems" | "steps">) {
  const found = problems?.[0] ?? steps.find((step) => step.error)?.error;
  return found ?? { code: "RUN_FAILED", message: "The command has failed", hint: "See the log." };
}

function injectCommand(body: Readonly<Record<string, unknown>>, known: Known): Command {
  const { service, method, path, headers = [], body: content } = body;
  const isHeader = (one: unknown) =>
    Array.isArray(one) && one.length === 2 && one.every((part) => typeof part === "string");
  const wrong =
    typeof service !== "string" ||
    typeof method !== "string" ||
    typeof path !== "string" ||
    !path.startsWith("/") ||
    !Array.isArray(headers) ||
    !headers.every(isHeader) ||
    (content !== undefined && typeof content !== "string");
  if (wrong) {
    throw new ApiError(
      400,
      "BAD_REQUEST",
      "An injected request needs service, method and path; headers are pairs of texts, body is a text",
      'For example: {"service":"api","method":"GET","path":"/health"}.',
    );
  }
  if (!known.services.has(service)) throw unknownService(service, known);
  const request: InjectedRequest = {
    method,
    path,
    headers,
    ...(content === undefined ? {} : { body: content }),
  };
  return { tag: "inject", service, request };
}

function servicesAsked({ url, options }: Call): ReadonlySet<string> | undefined {
  const patterns = url.searchParams.getAll("service");
  if (patterns.length === 0) return undefined;
  const { matched, unmatched } = matchNames(patterns, [...options.known.services.keys()]);
  if (unmatched[0] !== undefined) throw unknownService(unmatched[0], options.known);
  return new Set(matched);
}

function lines({ url, tails }: Call, store: LogStore, services: ReadonlySet<string> | undefined): Response {
  const first = store
    .last(countOf(url, "n", { usual: 100, least: 0, most: 100_000 }), services)
    .map((line) => line.text);
  const headers = { ...commonHeaders, "content-type": "application/x-ndjson" };
  if (!isSet(url, "follow", false)) return new Response(first.join(""), { headers });
  if (tails.size >= mostStreams) {
    throw new ApiError(503, "TOO_MANY_STREAMS", `${mostStreams} clients follow already`, "End one of them.");
  }
  const tail: Tail = createTail({
    // So that the headers go out at once, also when nothing has been said yet.
    first: first.length > 0 ? first : ["\n"],
    follow: (push) => store.follow((line) => (services?.has(line.service) ?? true) && push(line.text)),
    closed: () => tails.delete(tail),
  });
  tails.add(tail);
  return new Response(tail.stream, { headers });
}

function noRoute(method: string, path: string, allowed: readonly string[]): ApiError {
  const hint = `What there is: GET ${apiPrefix}/openapi.json.`;
  if (allowed.length === 0) return new ApiError(404, "NOT_FOUND", `There is nothing at ${path}`, hint);
  const allow = allowed.join(", ");
  return new ApiError(405, "METHOD_NOT_ALLOWED", `${method} is not allowed at ${path}`, `Use ${allow}.`, {
    allow,
  });
}

function unknownService(name: string, { services }: Known): ApiError {
  const names = [...services.keys()];
  const near = nearest(name, names);
  const shown = name.length > longestShown ? `${name.slice(0, longestShown)}…` : name;
  const message = /[*?]/.test(name) ? `No service fits "${shown}"` : `No service has the name "${shown}"`;
  const hint = near ? `Did you mean "${near}"?` : `Known services: ${names.join(", ")}`;
  return new ApiError(404, "UNKNOWN_SERVICE", message, hint);
}

/** Characters of a name that nobody has. */
const longestShown = 100;

const commonHeaders = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
};

function json(
  status: number,
  value: unknown,
  redact: (text: string) => string = (text) => text,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(`${redact(JSON.stringify(value))}\n`, {
    status,
    headers: { ...commonHeaders, "content-type": "application/json", ...headers },
  });
}

function failed(error: unknown, redact: (text: string) => string): Response {
  if (error instanceof ApiError) return json(error.status, error.body, redact, error.headers);
  const message = messageOf(error);
  return json(
    500,
    { code: "INTERNAL", message, hint: "This is a defect of the supervisor: please report it." },
    redact,
  );
}
