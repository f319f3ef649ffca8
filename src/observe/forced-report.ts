import type { ServiceStop, StopReport } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { Stop } from "./oversight.ts";

/** Services that a stop has not ended, in words: `api (stopping), db (ready)`. */
export function describeLeft(services: readonly ServiceSnapshot[]): string {
  return services
    .filter(isLeft)
    .map(({ name, state }) => `${name} (${state})`)
    .join(", ");
}

/**
 * The stop report when main could not write one: what the last snapshots tell. The time a service took is
 * known only for those that had their turn.
 *
 * @param elapsedMs since the stop began.
 * @param wall milliseconds since 1970, now.
 */
export function forcedReport(
  stop: Stop,
  services: readonly ServiceSnapshot[],
  elapsedMs: number,
  wall: number,
): StopReport {
  const startedAt = wall - elapsedMs;
  return {
    cause: stop.cause,
    outcome: "forced",
    startedAt: Math.round(startedAt),
    durationMs: Math.round(elapsedMs),
    budgetMs: stop.budgetMs,
    services: [...services].sort(byTurn).map((snapshot) => serviceStop(snapshot, stop, startedAt, elapsedMs)),
  };
}

/** The turns of a teardown: what was never started first, then the reverse of the starts. */
function byTurn(a: ServiceSnapshot, b: ServiceSnapshot): number {
  return (b.startedAs ?? Number.MAX_SAFE_INTEGER) - (a.startedAs ?? Number.MAX_SAFE_INTEGER);
}

function serviceStop(
  snapshot: ServiceSnapshot,
  stop: Stop,
  startedAt: number,
  elapsedMs: number,
): ServiceStop {
  const { name, generation, state, since, reason } = snapshot;
  // Only the end of a stopped service is known, not when its turn came.
  const turn = Math.round(Math.min(elapsedMs, Math.max(0, since - startedAt)));
  const begun = state === "stopping" ? turn : isLeft(snapshot) ? Math.round(elapsedMs) : turn;
  return {
    service: name,
    generation,
    outcome: outcomeOf(snapshot),
    startedMs: begun,
    durationMs: state === "stopping" ? Math.round(elapsedMs) - begun : 0,
    deadlineMs: stop.budgetMs,
    ...(reason === undefined ? {} : { error: reason }),
  };
}

function outcomeOf(snapshot: ServiceSnapshot): ServiceStop["outcome"] {
  switch (snapshot.state) {
    case "stopped":
      return snapshot.generation === 0 ? "unstarted" : "stopped";
    case "completed":
      return "completed";
    case "failed":
    case "backoff":
    case "quarantined":
      return "gone";
    case "pending":
      return snapshot.generation === 0 ? "unstarted" : "abandoned";
    default:
      return "abandoned";
  }
}

function isLeft({ state, generation }: ServiceSnapshot): boolean {
  return !ended.has(state) && generation > 0;
}

const ended: ReadonlySet<string> = new Set(["stopped", "completed", "failed", "backoff", "quarantined"]);
