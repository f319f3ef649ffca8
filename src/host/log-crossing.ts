import type { LogRecord, LogSink } from "../core/log.ts";
import { fromWire, toWire } from "./wire-error.ts";
import type { FromWorker, WireError } from "./worker-protocol.ts";

type LogMessage = Extract<FromWorker, readonly ["log", ...unknown[]]>;

/** A record on its way to main. `plain` makes of a field what JSON can say; errors stay errors. */
export function logMessage(record: LogRecord, plain: (name: string, value: unknown) => unknown): LogMessage {
  const { time, level, message, fields } = record;
  if (!fields) return ["log", time, level, message, null, null];
  const told: Record<string, unknown> = {};
  const errors: Record<string, WireError> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) errors[name] = toWire(value);
    else if (value !== undefined) told[name] = plain(name, value);
  }
  return ["log", time, level, message, JSON.stringify(told), Object.keys(errors).length > 0 ? errors : null];
}

/** Writes a record that has crossed, as one of `who`. */
export function writeLog(
  [, time, level, message, fields, errors]: LogMessage,
  who: Pick<LogRecord, "service" | "generation"> & { readonly fields: Readonly<Record<string, unknown>> },
  sink: LogSink,
): void {
  const revived = Object.entries(errors ?? {}).map(([name, error]) => [name, fromWire(error)] as const);
  const all = {
    ...who.fields,
    ...(fields === null ? {} : JSON.parse(fields)),
    ...Object.fromEntries(revived),
  };
  sink({ time, level, message, ...who, fields: all });
}
