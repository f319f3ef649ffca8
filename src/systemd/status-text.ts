import type { StopCause } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";

export interface Standing {
  readonly services: readonly ServiceSnapshot[];
  readonly stop: StopCause | undefined;
  /** systemd knows that it is. */
  readonly isReady: boolean;
  readonly isReloading: boolean;
  /** Why the last reload changed nothing. */
  readonly reloadProblem: string | undefined;
}

/** The one line that `systemctl status` shows. */
export function statusText(standing: Standing): string {
  return describe(standing).replace(/\s+/g, " ").slice(0, longest);
}

const longest = 500;

function describe({ services, stop, isReady, isReloading, reloadProblem }: Standing): string {
  const all = services.length;
  if (stop) {
    const left = services.filter(({ state }) => !ended.has(state));
    const done = `${all - left.length}/${all} services stopped`;
    const turn = left.filter(({ state }) => state === "stopping");
    const waiting = turn.length > 0 ? `; waiting for ${names(turn)}` : "";
    return `${causeText(stop)}${done}${waiting}`;
  }
  const ready = services.filter(({ state }) => good.has(state)).length;
  const count = `${ready}/${all} services ready`;
  const amiss = services.filter(({ state }) => bad.has(state));
  const why = amiss.length === 0 ? "" : `; ${amiss.slice(0, most).map(amissText).join("; ")}`;
  if (!isReady) return `Starting: ${count}${why}`;
  const reload = reloadProblem === undefined ? "" : `; the last reload failed: ${reloadProblem}`;
  return `${isReloading ? "Reloading: " : ""}${count}${why}${reload}`;
}

/** Why it stops, with what separates that from the rest of the line. */
export function causeText(cause: StopCause): string {
  if (cause.tag === "operator") return `Failed: ${cause.message}; `;
  if (cause.tag !== "failure") return "Stopping: ";
  return `Failed: ${cause.service === undefined ? "" : `service "${cause.service}": `}${cause.message}; `;
}

function amissText({ name, state, reason }: ServiceSnapshot): string {
  return `${name} ${state}${reason === undefined ? "" : ` (${reason})`}`;
}

const most = 3;

function names(services: readonly ServiceSnapshot[]): string {
  const shown = services.slice(0, most).map(({ name }) => name);
  return services.length > most ? `${shown.join(", ")} and ${services.length - most} more` : shown.join(", ");
}

const good: ReadonlySet<string> = new Set(["ready", "completed"]);
const bad: ReadonlySet<string> = new Set(["unhealthy", "backoff", "quarantined", "failed"]);
const ended: ReadonlySet<string> = new Set([
  "pending",
  "stopped",
  "completed",
  "failed",
  "backoff",
  "quarantined",
]);
