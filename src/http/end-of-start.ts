import type { SupervisorEvent } from "../core/events.ts";

/** The service that will not be ready soon, although somebody may have waited for its first start; undefined: none. */
export function endOfStart(event: SupervisorEvent): string | undefined {
  if (event.type === "serviceFailed") return event.service;
  if (event.type !== "serviceChanged") return undefined;
  const { name, state } = event.snapshot;
  return ended.has(state) ? name : undefined;
}

const ended: ReadonlySet<string> = new Set(["stopped", "completed", "failed", "backoff", "quarantined"]);
