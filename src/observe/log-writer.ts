import type { LogLevel, LogRecord, LogSink } from "../core/log.ts";
import { logLevels } from "../core/log.ts";
import { jsonLine } from "./log-json.ts";
import { createPrettyFormat } from "./log-pretty.ts";
import { createRedactor } from "./redact.ts";
import { createLineOutput } from "./stderr.ts";

export interface LogLook {
  /** Records below it are not written. */
  readonly level: LogLevel;
  readonly format: "pretty" | "json";
  /** Whether the pretty form uses colours. */
  readonly color: boolean;
  /** Values that never appear in a line. */
  readonly secrets: readonly string[];
}

export interface LogWriterOptions extends LogLook {
  /** Takes whole lines. @default standard error: stdout belongs to what commands print */
  readonly write?: (text: string) => void;
  /** Takes every line that is written, as JSON, with the service that it is about ("" for none). */
  readonly copy?: (service: string, line: string) => void;
}

export interface LogWriter {
  /** Never throws, whatever the record holds. */
  readonly sink: LogSink;
  /** Waits, at most half a second, until what a slow reader of standard error has not taken yet is written. */
  flush(): void;
  /** From the next record on. */
  change(look: LogLook): void;
}

/** Turns records into lines, one write for each. */
export function createLogWriter(options: LogWriterOptions): LogWriter {
  let style = styleOf(options);
  const output = options.write
    ? { write: options.write, flush() {} }
    : createLineOutput({ lost: (count) => style.format(lostRecord(count)) });
  const keeps = (level: LogLevel) => rank[level] >= style.lowest;
  const { copy } = options;
  const sink = (record: LogRecord) => {
    if (!keeps(record.level)) return;
    const line = safely(style.format, record);
    output.write(line);
    copy?.(serviceOf(record), style.json ? safely(style.json, record) : line);
  };
  return {
    sink: Object.assign(sink, { keeps }),
    flush: output.flush,
    change(look) {
      style = styleOf(look);
    },
  };
}

interface Style {
  readonly lowest: number;
  readonly format: (record: LogRecord) => string;
  /** When that is not what `format` makes. */
  readonly json: ((record: LogRecord) => string) | undefined;
}

function styleOf({ level, format, color, secrets }: LogLook): Style {
  const redactor = createRedactor(secrets);
  const json = (record: LogRecord) => jsonLine(record, redactor);
  return format === "pretty"
    ? { lowest: rank[level], format: createPrettyFormat({ color, redactor }), json }
    : { lowest: rank[level], format: json, json: undefined };
}

const rank = Object.fromEntries(logLevels.map((level, index) => [level, index])) as Record<LogLevel, number>;

/** Who speaks, or whom the supervisor speaks of. */
function serviceOf({ service, fields }: LogRecord): string {
  if (service !== undefined) return service;
  try {
    return typeof fields?.service === "string" ? fields.service : "";
  } catch {
    // A getter that throws: the line itself says that its fields cannot be read.
    return "";
  }
}

/** Fields can be hostile (a throwing `ownKeys` trap); their record is still worth its message. */
function safely(format: (record: LogRecord) => string, record: LogRecord): string {
  try {
    return format(record);
  } catch {
    // Said in the record itself, in place of the fields that cannot be read.
    return format({ ...record, message: String(record.message), fields: { fields: "unreadable" } });
  }
}

function lostRecord(count: number): LogRecord {
  const message = `${count} log ${count === 1 ? "line was" : "lines were"} lost: nobody read standard error`;
  return { time: Date.now(), level: "warn", message, fields: { lost: count } };
}
