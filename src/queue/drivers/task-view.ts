import type { TaskFilter, TaskInfo, TaskState } from "../../core/task.ts";
import type { Payload } from "../driver.ts";

/** What a filter looks at. */
export type Filtered = Pick<TaskInfo, "id" | "type" | "state" | "lastError"> & { readonly since: number };

/** Whether a task is meant by `filter`. */
export function isMeant(task: Filtered, filter: TaskFilter): boolean {
  if (filter.ids && !filter.ids.includes(task.id)) return false;
  if (filter.state && filter.state !== task.state) return false;
  if (filter.type !== undefined && !isOfType(task.type, filter.type)) return false;
  if (filter.since !== undefined && task.since < filter.since) return false;
  if (filter.error === undefined) return true;
  return task.lastError?.toLowerCase().includes(filter.error.toLowerCase()) ?? false;
}

/** What every page says as `next`, in the words of the driver. @throws RangeError when `after` is no such place */
export function placeAfter(after: string, form: RegExp): readonly string[] {
  const parts = form.exec(after);
  if (!parts) throw new RangeError(`no page ends with "${after}"`);
  return parts.slice(1);
}

/** A payload as operators see it: text where it is UTF-8, else base64. */
export function payloadView(payload: Payload): Pick<TaskInfo, "payload" | "encoding"> {
  if (typeof payload === "string") return { payload };
  try {
    return { payload: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    // The decoder's way to say that it is not UTF-8.
    return { payload: Buffer.from(payload).toString("base64"), encoding: "base64" };
  }
}

/** Text that is only shown or compared, as every broker can keep it: without NUL and lone surrogates. */
export function showable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{fffd}");
}

/** No task in any state. */
export function noCounts(): Record<TaskState, number> {
  return { pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0, completed: 0, aggregating: 0 };
}

/** The UTC day of a time, as `2026-11-21`. */
export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The host and the process of an owner: `HOST:PID:UNIQUE`. */
export function ownerParts(owner: string): { readonly host: string; readonly pid: number } {
  const parts = owner.split(":");
  return { host: parts.slice(0, -2).join(":"), pid: Number(parts.at(-2) ?? 0) };
}

function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith("*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}
