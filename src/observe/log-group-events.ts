import type { StepResult } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import type { SupervisorEvent, Wait } from "../core/events.ts";
import type { Logger } from "../core/log.ts";
import type { Problem } from "../core/problem.ts";
import { describeProblem } from "../core/render-problems.ts";
import type { ServiceStop, StopReport } from "../core/report.ts";
import type { EventLog } from "./event-log-state.ts";
import { count, spaced } from "./event-words.ts";
import { told } from "./log-pretty.ts";
import { describeCause, stopTable } from "./stop-table.ts";

/** How many services a line names that wait for others. */
const mostWaits = 8;
/** How many addresses the line "all services ready" names. */
const mostAddresses = 4;

export function groupStopping(
  { cause, budgetMs }: Extract<SupervisorEvent, { type: "groupStopping" }>,
  log: Logger,
): void {
  const message = `stopping (${describeCause(cause)}), budget ${formatDuration(budgetMs)}`;
  const fields = told({ cause, budgetMs });
  if (cause.tag === "failure" || cause.tag === "operator") log.error(message, fields);
  else log.info(message, fields);
}

export function servicesWaiting(waits: readonly Wait[], log: Logger): void {
  const named = waits.slice(0, mostWaits).map(waitText);
  const left = waits.length - named.length;
  const list = [...named, ...(left > 0 ? [`and ${left} more`] : [])].join("; ");
  const verb = waits.length === 1 ? "waits" : "wait";
  log.warn(`${count(waits.length)} still ${verb}: ${list}`, told({ waits }));
}

export function reloadFailed(problems: readonly Problem[], log: Logger): void {
  for (const problem of problems) {
    const { code, hint } = problem;
    const what = describeProblem(problem, { color: false, cwd: process.cwd() });
    log.error(`not reloaded: ${what}`, told({ code, hint }));
  }
}

/** @example "web for db (quarantined), the completion of migrate (ready)" */
function waitText({ service, needs }: Wait): string {
  const what = { ready: "", started: "the start of ", completed: "the completion of " } as const;
  const texts = needs.map(({ name, condition, state }) => `${what[condition]}${name} (${state})`);
  return `${service} for ${texts.join(", ")}`;
}

export function reloaded(changes: readonly StepResult[], log: Logger): void {
  const failed = changes.filter((step) => step.outcome === "failed");
  const message = `reloaded: ${changes.map(({ action, subject }) => `${action} ${subject}`).join(", ") || "nothing to change"}`;
  if (failed.length === 0) {
    log.info(message, told({ changes }));
    return;
  }
  const why = failed.map(({ subject, error }) => `${subject} (${error?.message})`).join(", ");
  log.error(`${message}; failed: ${why}`, told({ changes }));
}

export function groupReady(
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

/** @example origin("http://127.0.0.1:8080/eve") // "http://127.0.0.1:8080" */
function origin(url: string): string {
  const host = url.indexOf("://") + 3;
  const path = host < 3 ? -1 : url.indexOf("/", host);
  return path === -1 ? url : url.slice(0, path);
}

export function groupStopped(report: StopReport, log: Logger): void {
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
