import type { ServiceStatus, Status } from "../control/status.ts";
import { formatDuration } from "../core/duration.ts";
import { shownText } from "../core/shown-text.ts";
import { columns } from "./columns.ts";
import { bold, painted } from "./terminal.ts";

export interface StatusLook {
  readonly wide: boolean;
  readonly color: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The table of `supervisor status`. */
export function statusText(status: Status, look: StatusLook): string {
  const { services } = status;
  const heads = ["SERVICE", "STATE", "SINCE", "GENERATION", "URL", ...(look.wide ? wideHeads : []), "WHY"];
  const [head = "", ...rows] = columns([heads, ...services.map((service) => rowOf(service, look))]);
  return [
    headline(status, look.color),
    ...trouble(status, look),
    "",
    bold(head, look.color),
    ...rows.map((row, index) => paintState(row, services[index] as ServiceStatus, look.color)),
    "",
  ].join("\n");
}

const wideHeads = ["CRITICAL", "FAILURES", "NEXT TRY", "BLOCKED", "WORK"];

function headline({ name, state, pid, uptimeMs, rssBytes, runtime, admin }: Status, color: boolean): string {
  const facts = [
    `pid ${pid}`,
    `up ${formatDuration(uptimeMs)}`,
    `${Math.round(rssBytes / 1_048_576)} MiB`,
    runtime,
    ...(admin === undefined ? [] : [admin]),
  ];
  return `${bold(name, color)}: ${painted(state, state === "frozen" ? red : "", color)}, ${facts.join(", ")}`;
}

function trouble({ frozen, stopping, reload }: Status, { color, now }: StatusLook): string[] {
  return [
    ...(frozen ? [painted(`${shownText(frozen.message)}; what follows is from before`, red, color)] : []),
    ...(stopping ? [`stopping since ${formatDuration(Math.max(0, now - stopping.since))}`] : []),
    ...(reload?.outcome === "failed" ? [painted(failedReload(reload, now), red, color)] : []),
  ];
}

/** @example "last reload failed 12s ago: UNKNOWN_KEY services.yaml:4:3 …" */
function failedReload({ at, problems = [] }: NonNullable<Status["reload"]>, now: number): string {
  const ago = `last reload failed ${formatDuration(Math.max(0, now - at))} ago`;
  const [first, ...others] = problems;
  if (!first) return `${ago}: not every step could be done`;
  // Below the first line is the frame of the source.
  const message = first.message.split("\n")[0] as string;
  return `${ago}: ${first.code} ${shownText(message)}${others.length > 0 ? ` (and ${others.length} more)` : ""}`;
}

function rowOf(service: ServiceStatus, { wide, now }: StatusLook): string[] {
  const { name, since, generation, urls, critical, failures, retryAt } = service;
  const retry = retryAt === undefined ? "-" : `in ${formatDuration(Math.max(0, retryAt - now))}`;
  return [
    name,
    stateOf(service),
    formatDuration(Math.max(0, now - since)),
    `${generation}`,
    urls.join(" ") || "-",
    ...(wide ? [critical ? "yes" : "no", `${failures}`, retry, blocked(service), work(service, now)] : []),
    why(service, wide),
  ];
}

/** The longest time for which it has kept the event loop from the others; with a `~` when it may have been another. */
function blocked({ longestStretch }: ServiceStatus): string {
  if (!longestStretch) return "-";
  return `${longestStretch.certain ? "" : "~"}${formatDuration(longestStretch.ms)}`;
}

/** @example "120 done, 2 dead, 3 active, 17 here; next in 12s" */
function work({ consumer, schedule }: ServiceStatus, now: number): string {
  const failing = consumer?.groups?.failing ?? 0;
  const counts = consumer
    ? ([
        [consumer.done, "done"],
        [consumer.dead, "dead"],
        [failing, failing === 1 ? "group fails" : "groups fail"],
        [consumer.active, "active"],
        [consumer.buffered, "here"],
      ] as const)
    : [];
  const messages = counts.flatMap(([count, what]) =>
    count > 0 || what === "done" ? [`${count} ${what}`] : [],
  );
  const next = schedule?.next;
  const runs = [
    ...(schedule && schedule.running > 0 ? ["runs now"] : []),
    ...(next === undefined ? [] : [`next in ${formatDuration(Math.max(0, next - now))}`]),
  ];
  const parts = [messages, runs].filter(({ length }) => length > 0);
  return parts.map((part) => part.join(", ")).join("; ") || "-";
}

/** @example stateOf({ state: "ready", paused: true }) // "ready (paused)" */
function stateOf({ state, paused, replacing }: ServiceStatus): string {
  const notes = [...(paused ? ["paused"] : []), ...(replacing ? [`generation ${replacing} comes`] : [])];
  return notes.length > 0 ? `${state} (${notes.join(", ")})` : state;
}

const widestReason = 60;

function why({ reason, note, stoppedBy }: ServiceStatus, wide: boolean): string {
  const text = (reason ?? note ?? (stoppedBy ? `stopped by the ${stoppedBy}` : "")).split("\n")[0] as string;
  return wide || text.length <= widestReason ? text : `${text.slice(0, widestReason - 1)}…`;
}

const red = "31";
const stateColors: Readonly<Record<string, string>> = {
  ready: "32",
  completed: "32",
  failed: red,
  quarantined: red,
  unhealthy: "33",
  backoff: "33",
  stopped: "2",
};

/** After the columns were aligned: codes have no width. */
function paintState(row: string, { name, state }: ServiceStatus, color: boolean): string {
  const at = row.indexOf(state, name.length);
  return `${row.slice(0, at)}${painted(state, stateColors[state] ?? "", color)}${row.slice(at + state.length)}`;
}
