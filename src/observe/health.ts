import { formatDuration } from "../core/duration.ts";
import type { StopCause } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { Loop } from "./loop-watch.ts";
import { describeFreeze } from "./loop-watch.ts";
import { describeCause } from "./stop-table.ts";
import type { LoopDelay } from "./stretches.ts";

export type HealthStatus = "pass" | "warn" | "fail";

/** One thing that is well or not. */
export interface Check {
  readonly name: string;
  /** What was looked at: the `state` of a service, the `responsiveness` of the event loop. */
  readonly measure: string;
  readonly status: HealthStatus;
  readonly value: string | number;
  /** Why it is not well. */
  readonly output?: string;
  /** Figures that are worth a look also when it is well. */
  readonly detail?: string;
  /** Milliseconds since 1970 from which on this holds, as far as it is known. */
  readonly since: number;
}

/** What is known, at the time of a question. */
export interface HealthView {
  readonly name: string;
  /** In the order of services.yaml. */
  readonly services: readonly ServiceSnapshot[];
  readonly loop: Loop;
  /** How late it was over the last minute. */
  readonly delay?: LoopDelay;
  readonly stopping?: { readonly cause: StopCause; readonly since: number };
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Is the main loop turning? Restarting the process helps when it is not. */
export function liveChecks(view: HealthView): Check[] {
  return [loopCheck(view)];
}

/**
 * May traffic come? Fails while the loop is frozen, from the begin of the stop on, and as long as a critical
 * service is not ready; services that are not critical only warn.
 */
export function readyChecks(view: HealthView): Check[] {
  return [loopCheck(view), ...stopChecks(view), ...view.services.map((one) => serviceCheck(one, view.now))];
}

/** May traffic come to this one service? Undefined when there is none of that name. */
export function readyChecksOf(view: HealthView, service: string): Check[] | undefined {
  const snapshot = view.services.find((one) => one.name === service);
  if (!snapshot) return undefined;
  return [
    loopCheck(view),
    ...stopChecks(view),
    // Asked by name, whether it is critical for the others does not matter.
    serviceCheck({ ...snapshot, critical: true }, view.now),
  ];
}

/** The worst of all; nothing to check passes. */
export function overall(checks: readonly Check[]): HealthStatus {
  if (checks.some((check) => check.status === "fail")) return "fail";
  return checks.some((check) => check.status === "warn") ? "warn" : "pass";
}

function loopCheck({ loop, delay, now }: HealthView): Check {
  const detail = delay ? { detail: describeDelay(delay) } : {};
  const check = { name: "event-loop", measure: "responsiveness", ...detail };
  return loop.frozen
    ? {
        ...check,
        status: "fail",
        value: Math.round(loop.forMs),
        output: describeFreeze(loop),
        since: now - loop.forMs,
      }
    : { ...check, status: "pass", value: 0, since: now };
}

function describeDelay({ p50, p99, max }: LoopDelay): string {
  return `delay of the last minute: p50 ${p50}ms, p99 ${p99}ms, max ${max}ms`;
}

/** A check of its own only while there is something to tell. */
function stopChecks({ stopping, now }: HealthView): Check[] {
  if (!stopping) return [];
  const { cause, since } = stopping;
  const output = `stopping since ${formatDuration(Math.max(0, now - since))} (${describeCause(cause)})`;
  return [{ name: "shutdown", measure: "state", status: "fail", value: "stopping", output, since }];
}

function serviceCheck(snapshot: ServiceSnapshot, now: number): Check {
  const { name, state, since, critical } = snapshot;
  const check = { name, measure: "state", value: state, since };
  if (snapshot.paused) {
    return { ...check, status: critical ? "fail" : "warn", value: "paused", output: "paused by an operator" };
  }
  if (state === "ready" || state === "completed") return { ...check, status: "pass" };
  return { ...check, status: critical ? "fail" : "warn", output: describeState(snapshot, now) };
}

/** @example "backoff since 2s: connection refused; next try in 400ms" */
function describeState({ state, since, reason, retryAt, stoppedBy }: ServiceSnapshot, now: number): string {
  const by = stoppedBy ? ` by an ${stoppedBy}` : "";
  const why = reason === undefined ? "" : `: ${reason.split("\n")[0]}`;
  const next = retryAt === undefined ? "" : `; next try in ${formatDuration(Math.max(0, retryAt - now))}`;
  return `${state}${by} since ${formatDuration(Math.max(0, now - since))}${why}${next}`;
}
