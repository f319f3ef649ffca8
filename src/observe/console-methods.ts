import type { LogFields, LogLevel } from "../core/log.ts";

/** What a call of `console` says; one that only counts or begins something says nothing. */
export interface Said {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: LogFields;
}

/** What the calls of one speaker leave for its later ones: two services may well use the same label. */
export interface ConsoleState {
  /** How many groups are open. */
  depth: number;
  readonly counts: Map<string, number>;
  /** When each timer began, as `performance.now()`. */
  readonly timers: Map<string, number>;
}

/** @param state made when it is first asked for. @param entry the function that was called, to leave it out of stacks */
export type ConsoleMethod = (
  values: readonly unknown[],
  state: () => ConsoleState,
  entry: (...values: unknown[]) => void,
) => Said | undefined;

/**
 * Every method of `console` that says something, as what it says: text is formatted as `node:util` does, and an
 * Error that comes last keeps its stack as the field `error`.
 */
export const consoleMethods = {
  log: (values) => plain("info", values),
  info: (values) => plain("info", values),
  debug: (values) => plain("debug", values),
  warn: (values) => plain("warn", values),
  error: (values) => plain("error", values),
  trace: (values, _, entry) => ({
    level: "info",
    message: `Trace: ${text(values)}`,
    fields: { stack: callerStack(entry) },
  }),
  assert: ([condition, ...values]) => (condition ? undefined : failed(values)),
  dir: ([value, options]) => ({ level: "info", message: inspected(value, options) }),
  dirxml: (values) => plain("info", values),
  table: ([data, columns]) =>
    typeof data === "object" && data !== null
      ? { level: "info", message: `Table:\n${tableOf(data, columns)}` }
      : plain("info", [data]),
  count: ([label], state) => {
    const name = nameOf(label);
    const { counts } = state();
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { level: "info", message: `${name}: ${count}` };
  },
  countReset: ([label], state) =>
    state().counts.delete(nameOf(label)) ? undefined : unknownLabel("countReset", label),
  time: ([label], state) => {
    const { timers } = state();
    if (timers.has(nameOf(label))) {
      return { level: "warn", message: `console.time(): "${nameOf(label)}" is running already` };
    }
    timers.set(nameOf(label), performance.now());
    return undefined;
  },
  timeLog: ([label, ...values], state) => elapsed("timeLog", label, values, state()),
  timeEnd: ([label], state) => {
    const said = elapsed("timeEnd", label, [], state());
    state().timers.delete(nameOf(label));
    return said;
  },
  group: opened,
  groupCollapsed: opened,
  groupEnd: (_, state) => {
    const own = state();
    own.depth = Math.max(0, own.depth - 1);
    return undefined;
  },
} as const satisfies Partial<Record<keyof Console, ConsoleMethod>>;

function plain(level: LogLevel, values: readonly unknown[]): Said {
  const last = values.at(-1);
  const hasPlaceholders = typeof values[0] === "string" && values[0].includes("%");
  if (!(last instanceof Error) || hasPlaceholders) return { level, message: text(values) };
  const message = text(values.slice(0, -1)) || last.message || last.name;
  return { level, message, fields: { error: last } };
}

function failed(values: readonly unknown[]): Said {
  if (values.length === 0) return { level: "error", message: "Assertion failed" };
  const said = plain("error", values);
  return { ...said, message: `Assertion failed: ${said.message}` };
}

function opened(values: readonly unknown[], state: () => ConsoleState): Said | undefined {
  state().depth += 1;
  return values.length > 0 ? plain("info", values) : undefined;
}

function elapsed(method: string, label: unknown, values: readonly unknown[], { timers }: ConsoleState): Said {
  const since = timers.get(nameOf(label));
  if (since === undefined) return unknownLabel(method, label);
  const ms = performance.now() - since;
  const took = ms < 1_000 ? `${ms.toFixed(3)}ms` : `${(ms / 1_000).toFixed(3)}s`;
  const more = values.length > 0 ? ` ${text(values)}` : "";
  return { level: "info", message: `${nameOf(label)}: ${took}${more}` };
}

function unknownLabel(method: string, label: unknown): Said {
  return { level: "warn", message: `console.${method}(): there is no "${nameOf(label)}"` };
}

function nameOf(label: unknown): string {
  return label === undefined ? "default" : String(label);
}

function text(values: readonly unknown[]): string {
  if (values.length === 1 && typeof values[0] === "string") return values[0];
  return nodeUtil().format(...values);
}

function inspected(value: unknown, options: unknown): string {
  const asked = typeof options === "object" ? options : {};
  return nodeUtil().inspect(value, { customInspect: false, ...asked, colors: false });
}

/** Drawn by the runtime, into a string. */
function tableOf(data: object, columns: unknown): string {
  let drawn = "";
  const write = (chunk: string) => {
    drawn += chunk;
    return true;
  };
  const nowhere = { write, on() {}, once() {}, removeListener() {}, listenerCount: () => 0 };
  const { Console } = process.getBuiltinModule("node:console");
  const artist = new Console({ stdout: nowhere as unknown as NodeJS.WritableStream, colorMode: false });
  artist.table(data, Array.isArray(columns) ? columns : undefined);
  return drawn.trimEnd();
}

/** Loaded with the first value that needs it: it takes milliseconds that no start should pay. */
function nodeUtil(): typeof import("node:util") {
  return process.getBuiltinModule("node:util");
}

/** The stack of whoever called `entry`. */
function callerStack(entry: (...values: unknown[]) => void): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, entry);
  const [, ...frames] = (holder.stack ?? "").split("\n");
  return frames.map((frame) => frame.trim()).join("\n");
}
