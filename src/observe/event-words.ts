import { formatDuration } from "../core/duration.ts";
import type { LogFields } from "../core/log.ts";
import type { Held } from "../core/report.ts";
import { describeHeld } from "../core/report.ts";
import { told } from "./log-pretty.ts";

/* What the sentences about events have in common. */

/** The fields of a record about a service. */
export function about(
  service: string,
  generation: number | undefined,
  fields: LogFields,
  shown?: () => string,
): LogFields {
  return told({ service, ...(generation === undefined ? {} : { generation }), ...fields }, shown);
}

export function count(services: number): string {
  return services === 1 ? "1 service" : `${services} services`;
}

export function firstLine(text: string): string {
  return text.split("\n")[0] as string;
}

/** @example spaced(12) // "12 ms" */
export function spaced(ms: number): string {
  return formatDuration(ms).replace(/^(\d+)ms$/, "$1 ms");
}

export function holding(held: Held | undefined): string {
  const what = held && describeHeld(held);
  return what ? `, still holding ${what}` : "";
}
