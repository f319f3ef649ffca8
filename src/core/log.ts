export const logLevels = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** One line of the log, before it becomes text. `error` fields may hold an Error: it stays one record. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  /** The service that speaks; absent for the supervisor itself. */
  readonly service?: string;
  readonly generation?: number;
  readonly fields?: LogFields;
}

/** What services get as `ctx.log`. An Error among the fields keeps its stack, its cause and its code. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** An alarm: somebody has to look now. */
  fatal(message: string, fields?: LogFields): void;
  /** Whether records of this level are kept; worth asking before fields are made that cost. @default all are */
  readonly keeps?: (level: LogLevel) => boolean;
}

/** Takes finished records; `observe/log-writer.ts` turns them into lines. Must not throw. */
export interface LogSink {
  (record: LogRecord): void;
  /** Whether records of this level are kept; a logger that knows does not make the others. @default all are */
  readonly keeps?: (level: LogLevel) => boolean;
}

/** A logger that stamps every record with `who`. */
export function createLogger(
  sink: LogSink,
  wall: () => number,
  who: { service?: string; generation?: number } = {},
): Logger {
  // Asked each time: a reload may change the level.
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (sink.keeps?.(level) === false) return;
    const said = isPlain(message, fields)
      ? { message, ...(fields ? { fields } : {}) }
      : asMeant(message, fields);
    sink({ time: wall(), level, ...who, ...said });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    ...(sink.keeps ? { keeps: sink.keeps } : {}),
  };
}

function isPlain(message: unknown, fields: unknown): boolean {
  return typeof message === "string" && !(fields instanceof Error);
}

/** As `console` and other loggers are called: with an error where the message or the fields belong. */
function asMeant(message: unknown, fields: unknown): { message: string; fields?: LogFields } {
  if (message instanceof Error) {
    if (typeof fields === "string") return { message: fields, fields: { error: message } };
    return { message: textOf(message), fields: withError(message, fields) };
  }
  // What has no text is told so by whoever writes the record.
  if (!(fields instanceof Error)) return { message, fields } as { message: string; fields?: LogFields };
  return { message: message as string, fields: { error: fields } };
}

/** A field that has that name already gets a `_` before it. */
function withError(error: Error, fields: unknown): LogFields {
  if (typeof fields !== "object" || fields === null) return { error };
  try {
    const { error: own, ...others } = fields as LogFields;
    return { error, ...others, ...(own === undefined ? {} : { _error: own }) };
  } catch {
    // A getter or a proxy of its own: what the service logs must not fail it.
    return { error, fields: "unreadable" };
  }
}

function textOf(error: Error): string {
  try {
    return error.message || error.name;
  } catch {
    // A getter of its own.
    return "an error whose message cannot be read";
  }
}
