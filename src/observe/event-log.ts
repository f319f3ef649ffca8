import type { StepResult } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import type { Listener, SupervisorEvent, Wait } from "../core/events.ts";
import type { LogFields, Logger } from "../core/log.ts";
import { describeProblem } from "../core/render-problems.ts";
import type { Held, ServiceStop, StopReport } from "../core/report.ts";
import { describeEnded, describeHeld } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { told } from "./log-pretty.ts";
import { describeCause, stopTable } from "./stop-table.ts";

/** With more services than this, one line for each says less than one for all: those lines become debug. */
const mostLines = 50;
/** How often a start or stop of that many shows how far it is, in milliseconds. */
const progressMs = 1_000;
/** How many services a line names that wait for others. */
const mostWaits = 8;
/** How many addresses the line "all services ready" names. */
const mostAddresses = 4;

/**
 * Turns events into log records of `log`: a sentence for people, fields for machines. Records about a
 * service carry it in the field `service`.
 */
export function logEvents(log: Logger): Listener {
  const state: EventLog = {
    log,
    urls: new Map(),
    startedAt: new Map(),
    paused: new Set(),
    errors: new Map(),
    services: 0,
    ready: 0,
    lastProgress: 0,
    phase: "starting",
    // Asked each time: a reload may change the level.
    get verbose() {
      return log.keeps?.("debug") ?? true;
    },
  };
  return (event) => record(event, state);
}

interface EventLog {
  readonly log: Logger;
  /** Where each service can be reached; the supervisor itself is "". */
  readonly urls: Map<string, string[]>;
  /** Wall time at which each service began to start. */
  readonly startedAt: Map<string, number>;
  /** Services that take no work because an operator said so. */
  readonly paused: Set<string>;
  /** Failures that the next transition of their service tells about. */
  readonly errors: Map<string, unknown>;
  services: number;
  ready: number;
  lastProgress: number;
  phase: "starting" | "running" | "stopping";
  /** Whether debug records are kept: with many services most of them are, and making them for nothing costs. */
  readonly verbose: boolean;
}

function record(event: SupervisorEvent, state: EventLog): void {
  const { log } = state;
  switch (event.type) {
    case "groupStarting":
      state.services = event.services;
      log.info(`starting ${count(event.services)}`, told({ services: event.services }));
      break;
    case "listening":
      listening(event.service ?? "", event.url, state);
      break;
    case "serviceFailed":
      // While the group stops, nothing follows but the end of the service.
      if (state.phase === "stopping") {
        const { service, generation, error } = event;
        log.error("failed during the stop", about(service, generation, { error }));
      } else state.errors.set(event.service, event.error);
      break;
    case "generationAbandoned": {
      const { service, generation, held, allowedMs } = event;
      const message = `abandoned: it did not stop within ${formatDuration(allowedMs)}${holding(held)}`;
      log.error(message, about(service, generation, { held }));
      break;
    }
    case "serviceChanged":
      changed(event.snapshot, event.from, state);
      break;
    case "serviceReplaced": {
      const { service, from, to, durationMs } = event;
      log.info(
        `replaced generation ${from} (${spaced(durationMs)})`,
        about(service, to, { from, durationMs }),
      );
      break;
    }
    case "serviceReplaceFailed": {
      const { service, generation, error } = event;
      const message = `generation ${generation} never became ready; the one before it goes on`;
      log.error(message, about(service, generation, { error }));
      break;
    }
    case "reloaded":
      reloaded(event.changes, log);
      break;
    case "reloadFailed":
      for (const problem of event.problems) {
        const { code, hint } = problem;
        const what = describeProblem(problem, { color: false, cwd: process.cwd() });
        log.error(`not reloaded: ${what}`, told({ code, hint }));
      }
      break;
    case "groupReady":
      state.phase = "running";
      groupReady(event, state);
      break;
    case "groupStopping": {
      state.phase = "stopping";
      const { cause, budgetMs } = event;
      const message = `stopping (${describeCause(cause)}), budget ${formatDuration(budgetMs)}`;
      const fields = told({ cause, budgetMs });
      if (cause.tag === "failure" || cause.tag === "operator") log.error(message, fields);
      else log.info(message, fields);
      break;
    }
    case "serviceStopped":
      stopped(event.stop, state);
      break;
    case "groupStopped":
      groupStopped(event.report, log);
      break;
    case "servicesWaiting": {
      const { waits } = event;
      const named = waits.slice(0, mostWaits).map(waitText);
      const left = waits.length - named.length;
      const list = [...named, ...(left > 0 ? [`and ${left} more`] : [])].join("; ");
      const verb = waits.length === 1 ? "waits" : "wait";
      log.warn(`${count(waits.length)} still ${verb}: ${list}`, told({ waits }));
      break;
    }
    case "errorLeftBehind": {
      const { service, generation, error } = event;
      const whose = generation === undefined ? "while it does not run" : "of a generation that has ended";
      log.error(
        `an error that nobody caught, ${whose}: nothing follows`,
        about(service, generation, { error }),
      );
      break;
    }
    case "errorUnattributed":
      log.error("an error that nobody caught, and that no service could be blamed for", {
        error: event.error,
      });
      break;
  }
}

function listening(service: string, url: string, { log, urls, verbose, phase }: EventLog): void {
  const known = urls.get(service);
  if (known) known.push(url);
  else urls.set(service, [url]);
  // A start that fails at once is over before the address is there.
  if (service === "" && phase !== "stopping") log.info(`health at ${url}`, told({ url }));
  else if (service !== "" && verbose) log.debug(`listening on ${url}`, about(service, undefined, { url }));
}

function changed(snapshot: ServiceSnapshot, from: string, state: EventLog): void {
  const { name, generation, since, reason } = snapshot;
  const { log, errors, verbose } = state;
  pauseChanged(snapshot, state);
  // Another generation comes up or serves: what there is to say has events of its own.
  if (from === snapshot.state) return;
  switch (snapshot.state) {
    case "loading":
      if (verbose) log.debug("loading", about(name, generation, {}));
      break;
    case "starting":
      state.startedAt.set(name, since);
      if (verbose) log.debug("starting", about(name, generation, {}));
      break;
    case "stopping":
      // One that hangs or is unwell may take its whole stop_timeout to end; nobody should wait for the news.
      if (errors.get(name) instanceof SupervisorError) {
        log.warn(`stopping it: ${firstLine(reason ?? "it failed")}`, about(name, generation, {}));
      }
      break;
    case "ready":
      errors.delete(name);
      becameReady(snapshot, from, state);
      break;
    case "unhealthy":
      log.warn(`unhealthy: ${reason ?? "its probe failed"}`, about(name, generation, { reason }));
      break;
    case "stopped":
      if (snapshot.stoppedBy) log.info(`stopped by an ${snapshot.stoppedBy}`, about(name, generation, {}));
      break;
    case "completed":
      log.info("completed", about(name, generation, {}));
      break;
    case "backoff":
    case "quarantined":
    case "failed":
      gaveWay(snapshot, state);
      break;
  }
}

function pauseChanged({ name, generation, paused }: ServiceSnapshot, { log, paused: known }: EventLog): void {
  if (known.has(name) === (paused ?? false)) return;
  if (paused) known.add(name);
  else known.delete(name);
  log.info(paused ? "paused: it takes no new work" : "resumed", about(name, generation, {}));
}

function becameReady(snapshot: ServiceSnapshot, from: string, state: EventLog): void {
  const { name, generation, since } = snapshot;
  const { log, urls, startedAt, services, phase, verbose } = state;
  if (from === "unhealthy") {
    log.info("healthy again", about(name, generation, {}));
    return;
  }
  const quiet = phase === "starting" && services > mostLines;
  if (quiet) showProgress(since, state);
  if (quiet && !verbose) return;
  const url = urls.get(name);
  const durationMs = since - (startedAt.get(name) ?? since);
  const fields = about(name, generation, { url: url?.[0], durationMs }, () =>
    [...(url ?? []), `(${spaced(durationMs)})`].join("  "),
  );
  if (quiet) log.debug("ready", fields);
  else log.info("ready", fields);
}

function showProgress(now: number, state: EventLog): void {
  const { log, services, lastProgress } = state;
  state.ready += 1;
  if (now - lastProgress < progressMs) return;
  state.lastProgress = now;
  // The first one only sets the clock: most starts end before there is any progress to tell.
  if (lastProgress === 0) return;
  log.info(`${state.ready} of ${services} services ready`, told({ ready: state.ready, services }));
}

function gaveWay(snapshot: ServiceSnapshot, { log, errors }: EventLog): void {
  const { name, generation, failures, retryAt, since, reason = "no reason known", critical } = snapshot;
  const error = errors.get(name);
  errors.delete(name);
  const wait = formatDuration((retryAt ?? since) - since);
  const fields = about(name, generation, {
    failures,
    ...(retryAt === undefined ? {} : { retryInMs: retryAt - since }),
    error,
  });
  if (error === undefined && snapshot.reason === undefined && retryAt !== undefined) {
    log.info(`completed; starts again in ${wait}`, fields);
    return;
  }
  // The error itself follows; its message would be told twice.
  const why = error === undefined ? `failed: ${reason}` : `failed: ${firstLine(reason)}`;
  if (snapshot.state === "backoff") log.warn(`${why}; retry ${failures} in ${wait}`, fields);
  else if (snapshot.state === "quarantined") {
    log.error(`${why}; quarantined after too many failures, next try in ${wait}`, fields);
  } else log.error(critical ? `${why}; given up, and it is critical` : `${why}; given up`, fields);
}

/** @example "web for db (quarantined), the completion of migrate (ready)" */
function waitText({ service, needs }: Wait): string {
  const what = { ready: "", started: "the start of ", completed: "the completion of " } as const;
  const texts = needs.map(({ name, condition, state }) => `${what[condition]}${name} (${state})`);
  return `${service} for ${texts.join(", ")}`;
}

function reloaded(changes: readonly StepResult[], log: Logger): void {
  const failed = changes.filter((step) => step.outcome === "failed");
  const message = `reloaded: ${changes.map(({ action, subject }) => `${action} ${subject}`).join(", ") || "nothing to change"}`;
  if (failed.length === 0) {
    log.info(message, told({ changes }));
    return;
  }
  const why = failed.map(({ subject, error }) => `${subject} (${error?.message})`).join(", ");
  log.error(`${message}; failed: ${why}`, told({ changes }));
}

function groupReady(
  { durationMs, unready }: Extract<SupervisorEvent, { type: "groupReady" }>,
  { log, urls, services }: EventLog,
): void {
  const origins = new Set<string>();
  urls.forEach((own, service) => {
    if (service !== "") for (const url of own) origins.add(origin(url));
  });
  const named = [...origins];
  const left = named.length - mostAddresses;
  const where = named.slice(0, mostAddresses).join(", ") + (left > 0 ? ` and ${left} more` : "");
  const message = `${howMany(services, unready)} ready in ${spaced(durationMs)}${where ? `: ${where}` : ""}`;
  const fields = told({ services, durationMs, listening: named, ...(unready.length > 0 ? { unready } : {}) });
  if (unready.length > 0) log.warn(message, fields);
  else log.info(message, fields);
}

function howMany(services: number, unready: readonly string[]): string {
  if (unready.length > 0)
    return `${services - unready.length} of ${count(services)} (not ${unready.join(", ")})`;
  return services === 1 ? "the service is" : `all ${services} services`;
}

function stopped(stop: ServiceStop, { log, services, verbose }: EventLog): void {
  const { service, generation, outcome, durationMs, deadlineMs, startedMs, held, ended, error, leftBehind } =
    stop;
  for (const stray of leftBehind ?? []) {
    const message = `left behind: it was abandoned earlier and has not ended${holding(stray.held)}`;
    log.error(message, about(service, stray.generation, { held: stray.held }));
  }
  const quiet = outcome === "stopped" && !held && services > mostLines;
  if (quiet && !verbose) return;
  const fields = about(service, generation, { outcome, durationMs, held, ended, reason: error }, () => "");
  const took = `stopped (${spaced(durationMs)})${ended ? `, after ending ${describeEnded(ended)}` : ""}`;
  if (outcome === "abandoned") {
    const allowed = formatDuration(deadlineMs - startedMs);
    log.error(`abandoned: it did not stop within ${allowed}${holding(held)}`, fields);
  } else if (outcome === "failed") log.error(`stopped with an error: ${error ?? "unknown"}`, fields);
  else if (outcome !== "stopped") log.debug(outcome, fields);
  else if (held) log.warn(`stopped (${spaced(durationMs)}), after cutting ${describeHeld(held)}`, fields);
  else if (quiet) log.debug(took, fields);
  else log.info(took, fields);
}

function groupStopped(report: StopReport, log: Logger): void {
  const { outcome, durationMs, budgetMs, services } = report;
  const abandoned = services.flatMap(cutOff);
  const took = `in ${spaced(durationMs)} of ${formatDuration(budgetMs)}`;
  const message =
    outcome === "clean"
      ? `stopped in order ${took}`
      : `stopped by force ${took}; cut off: ${abandoned.join(", ") || "nothing"}`;
  const fields = told({ report }, () => `\n${stopTable(report)}`);
  if (outcome === "clean") log.info(message, fields);
  else log.error(message, fields);
}

/** The names in a sentence about what did not end: a service, or one of its earlier generations. */
function cutOff({ service, outcome, leftBehind = [] }: ServiceStop): string[] {
  const earlier = leftBehind.map(({ generation }) => `${service} (generation ${generation})`);
  return outcome === "abandoned" ? [service, ...earlier] : earlier;
}

function holding(held: Held | undefined): string {
  const what = held && describeHeld(held);
  return what ? `, still holding ${what}` : "";
}

function about(
  service: string,
  generation: number | undefined,
  fields: LogFields,
  shown?: () => string,
): LogFields {
  return told({ service, ...(generation === undefined ? {} : { generation }), ...fields }, shown);
}

function count(services: number): string {
  return services === 1 ? "1 service" : `${services} services`;
}

/** @example origin("http://127.0.0.1:8080/eve") // "http://127.0.0.1:8080" */
function origin(url: string): string {
  const host = url.indexOf("://") + 3;
  const path = host < 3 ? -1 : url.indexOf("/", host);
  return path === -1 ? url : url.slice(0, path);
}

function firstLine(text: string): string {
  return text.split("\n")[0] as string;
}

/** @example spaced(12) // "12 ms" */
function spaced(ms: number): string {
  return formatDuration(ms).replace(/^(\d+)ms$/, "$1 ms");
}
