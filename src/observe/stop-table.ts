import { formatDuration } from "../core/duration.ts";
import type { ServiceStop, StopCause, StopReport } from "../core/report.ts";
import { describeEnded, describeHeld } from "../core/report.ts";

/** More rows than this say less: then only services that did not simply stop are listed. */
const mostRows = 50;

/**
 * The stop report as a small table for people; empty when there was no service.
 *
 *     service  ended      took  allowed  held
 *     evening  stopped    3ms   10s
 *     morning  abandoned  10s   10s      2 requests, stop()
 */
export function stopTable(report: StopReport): string {
  const { services } = report;
  const listed = services.length <= mostRows ? services : services.filter((stop) => !isQuiet(stop));
  const shown = listed.slice(0, mostRows);
  if (services.length === 0) return "";
  const rows = [["service", "ended", "took", "allowed", "held"], ...shown.map(row)];
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] as string).length)),
  );
  const lines = shown.length === 0 ? [] : rows.map((cells) => align(cells, widths));
  const left = services.length - shown.length;
  const rest = listed.length > shown.length ? `${left} more services` : `${left} more services ended well`;
  return [...lines, ...(left > 0 ? [rest] : [])].join("\n");
}

/** @example describeCause({ tag: "signal", signal: "SIGTERM" }) // "SIGTERM" */
export function describeCause(cause: StopCause): string {
  switch (cause.tag) {
    case "signal":
      return cause.signal;
    case "request":
      return "on request";
    case "completed":
      return cause.failed
        ? `every other service has completed; failed: ${cause.failed.join(", ")}`
        : "every service has completed";
    case "failure":
      return cause.service === undefined
        ? `an error that nobody caught, of no known service: ${cause.message}`
        : `"${cause.service}" failed: ${cause.message}`;
    case "operator":
      return `the operator's plane failed: ${cause.message}`;
  }
}

function isQuiet(stop: ServiceStop): boolean {
  return (
    !stop.error && !stop.held && !stop.leftBehind && stop.outcome !== "failed" && stop.outcome !== "abandoned"
  );
}

function row(stop: ServiceStop): string[] {
  const { service, outcome, durationMs, deadlineMs, startedMs, held, ended, error, leftBehind = [] } = stop;
  const earlier = leftBehind.map((stray) => `generation ${stray.generation}: ${describeHeld(stray.held)}`);
  const told = ended && `ended ${describeEnded(ended)}`;
  const notes = [held && describeHeld(held), told, ...earlier, error].filter((note) => note).join("; ");
  const took = outcome === "unstarted" ? "" : formatDuration(durationMs);
  return [service, outcome, took, formatDuration(deadlineMs - startedMs), notes.split("\n")[0] as string];
}

function align(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] as number))
    .join("  ")
    .trimEnd();
}
