import type { LogLevel, LogRecord, LogSink } from "../core/log.ts";
import { logLevels } from "../core/log.ts";
import { journalEntry, priorities } from "./log-journal.ts";
import { jsonLine } from "./log-json.ts";
import { createPrettyFormat } from "./log-pretty.ts";
import { createRedactor } from "./redact.ts";
import { createLineOutput } from "./stderr.ts";

/** `journal`: as entries of systemd's journal. */
export type LogForm = "pretty" | "json" | "journal";

/** Where entries of the journal go. */
export interface Journal {
  /** What stands before each message. */
  readonly identifier: string;
  /** False when the journal does not take it now, or never: then it is written to standard error. */
  send(entry: Uint8Array): boolean;
}

export interface LogLook {
  /** Records below it are not written. */
  readonly level: LogLevel;
  readonly format: LogForm;
  /** Whether the pretty form uses colours. */
  readonly color: boolean;
  /** How wide the pretty form's column of names is from the first line on; it grows with longer ones. @default 0 */
  readonly nameWidth?: number;
  /** Values that never appear in a line. */
  readonly secrets: readonly string[];
}

export interface LogWriterOptions extends LogLook {
  /** Takes whole lines. @default standard error: stdout belongs to what commands print */
  readonly write?: (text: string) => void;
  /** For the form `journal`; without it, lines that the journal reads the level of are written. */
  readonly journal?: Journal;
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
  const { copy, journal } = options;
  const isSent = (record: LogRecord) => {
    const { entry } = style;
    return (
      journal !== undefined &&
      entry !== undefined &&
      journal.send(safely((one) => entry(one, journal), record))
    );
  };
  const sink = (record: LogRecord) => {
    if (!keeps(record.level)) return;
    const line = isSent(record) ? undefined : safely(style.format, record);
    if (line !== undefined) output.write(line);
    copy?.(
      serviceOf(record),
      style.json || line === undefined ? safely(style.json ?? style.format, record) : line,
    );
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
  readonly entry?: (record: LogRecord, journal: Journal) => Uint8Array;
}

function styleOf({ level, format, color, nameWidth = 0, secrets }: LogLook): Style {
  const redactor = createRedactor(secrets, { allFrames: level === "debug" });
  const json = (record: LogRecord) => jsonLine(record, redactor);
  if (format === "journal") {
    return {
      lowest: rank[level],
      // What journald reads from standard error: it takes the level off again.
      format: (record) => `<${priorities[record.level]}>${json(record)}`,
      json,
      entry: (record, { identifier }) => journalEntry(record, redactor, identifier),
    };
  }
  return format === "pretty"
    ? { lowest: rank[level], format: createPrettyFormat({ color, nameWidth, redactor }), json }
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
function safely<T>(format: (record: LogRecord) => T, record: LogRecord): T {
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
