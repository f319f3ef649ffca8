import type { LogFields, Logger } from "../core/log.ts";
import { scopes } from "../service/scope.ts";

/**
 * Turns `console.*` into log records: of the service whose code calls it, or of `fallback` outside of any.
 * Text is formatted as `node:util` does; an Error that comes last keeps its stack as the field `error`.
 * `log`, `info` and `trace` are level info. Returns how to undo it.
 */
export function captureConsole(fallback: Logger): () => void {
  const originals = new Map<Method, Entry>();
  let speaking = false;
  for (const method of Object.keys(levels) as Method[]) {
    const original = console[method];
    originals.set(method, original);
    const captured = (...values: unknown[]) => {
      // A value whose inspection or serialization logs something itself must not come back here for ever.
      if (speaking) {
        original.apply(console, values);
        return;
      }
      speaking = true;
      try {
        const log = scopes.getStore()?.log ?? fallback;
        const { message, fields } = toRecord(method, values, captured);
        log[levels[method]](message, fields);
      } finally {
        speaking = false;
      }
    };
    console[method] = captured;
  }
  return () => {
    for (const [method, original] of originals) console[method] = original;
  };
}

type Method = keyof typeof levels;
type Entry = (...values: unknown[]) => void;

const levels = {
  log: "info",
  info: "info",
  debug: "debug",
  warn: "warn",
  error: "error",
  trace: "info",
} as const satisfies Partial<Record<keyof Console, keyof Logger>>;

function toRecord(method: Method, values: unknown[], below: Entry): { message: string; fields?: LogFields } {
  if (method === "trace") return { message: `Trace: ${text(values)}`, fields: { stack: callerStack(below) } };
  const last = values.at(-1);
  const hasPlaceholders = typeof values[0] === "string" && values[0].includes("%");
  if (!(last instanceof Error) || hasPlaceholders) return { message: text(values) };
  return { message: text(values.slice(0, -1)) || last.message || last.name, fields: { error: last } };
}

function text(values: unknown[]): string {
  if (values.length === 1 && typeof values[0] === "string") return values[0];
  return nodeUtil().format(...values);
}

/** Loaded with the first value that needs it: it takes milliseconds that no start should pay. */
function nodeUtil(): typeof import("node:util") {
  return process.getBuiltinModule("node:util");
}

/** The stack of whoever called `entry`. */
function callerStack(entry: Entry): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, entry);
  const [, ...frames] = (holder.stack ?? "").split("\n");
  return frames.map((frame) => frame.trim()).join("\n");
}
