import { SupervisorError } from "../core/errors.ts";

/** @example invalidTask("mail:send", 'delay cannot be "soon"', "Write it like 30s.") // Cannot enqueue "mail:send": delay … */
export function invalidTask(type: unknown, problem: string, hint: string, cause?: unknown): SupervisorError {
  const message = `Cannot enqueue ${shown(type)}: ${problem}`;
  return new SupervisorError("TASK_INVALID", message, hint, cause === undefined ? undefined : { cause });
}

/** A value as it stands in a sentence; long ones are cut. */
export function shown(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
