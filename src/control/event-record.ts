import type { SupervisorEvent } from "../core/events.ts";

/**
 * An event as one line of JSON with its line feed: `time` (milliseconds since 1970), `type`, and what belongs to it.
 * A transition is told without the whole snapshot.
 */
export function eventLine(event: SupervisorEvent, time: number): string {
  if (event.type !== "serviceChanged") return `${JSON.stringify({ time, ...event }, plainError)}\n`;
  const { name, state, generation, reason, retryAt } = event.snapshot;
  const record = {
    time,
    type: event.type,
    service: name,
    from: event.from,
    to: state,
    generation,
    reason,
    retryAt,
  };
  return `${JSON.stringify(record)}\n`;
}

/** Errors have nothing of their own that JSON would take. */
function plainError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message } = value;
  return "code" in value && typeof value.code === "string"
    ? { name, message, code: value.code }
    : { name, message };
}
