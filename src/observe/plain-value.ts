import type { Redactor } from "./redact.ts";
import { hidden } from "./redact.ts";
import { serviceFrames } from "./service-frames.ts";

/** JSON without surprises: what `plainValue` makes of anything. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Nobody reads more of one record, and a record must not become a dump of the heap. */
const longestText = 16_384;
const mostItems = 100;
const mostNodes = 2_000;
const deepest = 8;

/**
 * Turns any value of a log field into JSON-safe data, redacted and of bounded size. Errors become
 * `{ name, message, code, hint, stack, cause }`; circles, BigInts, throwing getters and proxies are told in words.
 */
export function plainValue(value: unknown, redactor: Redactor): Plain {
  const walk: Walk = { redactor, parents: new Set(), left: mostNodes };
  return visit(value, walk);
}

/** @example cutText("abc", 2) // "ab… (1 more)" */
export function cutText(text: string, limit = longestText): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length - limit} more)`;
}

interface Walk {
  readonly redactor: Redactor;
  /** The objects that hold the one being visited. */
  readonly parents: Set<object>;
  left: number;
}

function visit(value: unknown, walk: Walk): Plain {
  switch (typeof value) {
    case "string":
      return walk.redactor.text(cutText(value));
    case "number":
      return Number.isFinite(value) ? secretNumber(value, walk) : String(value);
    case "boolean":
      return value;
    case "bigint":
      return walk.redactor.text(cutText(String(value)));
    case "symbol":
      return String(value);
    case "function":
      return `[Function ${value.name || "anonymous"}]`;
    case "undefined":
      return null;
    case "object":
      return value === null ? null : enter(value, walk);
  }
}

/** A secret of digits must not leak as a number. */
function secretNumber(value: number, walk: Walk): Plain {
  const text = String(value);
  return walk.redactor.text(text) === text ? value : hidden;
}

function enter(value: object, walk: Walk): Plain {
  if (walk.parents.has(value)) return "[circular]";
  walk.left -= 1;
  if (walk.left < 0 || walk.parents.size >= deepest) return Array.isArray(value) ? "[array]" : "[object]";
  walk.parents.add(value);
  try {
    return describe(value, walk);
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.message : "it threw"}]`;
  } finally {
    walk.parents.delete(value);
  }
}

function describe(value: object, walk: Walk): Plain {
  if (value instanceof Error) return describeError(value, walk);
  if (Array.isArray(value)) return describeItems(value, value.length, walk);
  if (value instanceof Map) return describeEntries(value.entries(), walk);
  if (value instanceof Set) return describeItems(value, value.size, walk);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `[${value.constructor.name} of ${value.byteLength} bytes]`;
  }
  if (value instanceof RegExp) return walk.redactor.text(String(value));
  if ("toJSON" in value && typeof value.toJSON === "function") return visit(value.toJSON(), walk);
  return describeEntries(Object.entries(value), walk, value);
}

function describeError(error: Error, walk: Walk): Plain {
  const { name, message, stack, cause, ...more } = error;
  return describeEntries(
    Object.entries({
      name: error.name,
      message: error.message,
      ...more,
      ...(error.stack ? { stack: stackOf(error.stack, walk) } : {}),
      ...(error.cause === undefined ? {} : { cause: error.cause }),
      ...(error instanceof AggregateError ? { errors: error.errors } : {}),
    }),
    walk,
  );
}

function stackOf(stack: unknown, { redactor }: Walk): unknown {
  return typeof stack !== "string" || redactor.allFrames ? stack : serviceFrames(stack);
}

function describeItems(items: Iterable<unknown>, count: number, walk: Walk): Plain {
  const shown: Plain[] = [];
  for (const item of items) {
    if (shown.length === mostItems) return [...shown, `… (${count - mostItems} more)`];
    shown.push(visit(item, walk));
  }
  return shown;
}

function describeEntries(entries: Iterable<[unknown, unknown]>, walk: Walk, owner?: object): Plain {
  const shown: Record<string, Plain> = {};
  let count = 0;
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    if (count === mostItems) {
      shown["…"] = "more";
      break;
    }
    const name = String(key);
    // Defined, not assigned: a field called __proto__ is a field like any other.
    Object.defineProperty(shown, name, { value: plainField(name, value, walk), enumerable: true });
    count += 1;
  }
  const kind = owner?.constructor?.name;
  return count === 0 && kind && kind !== "Object" ? `[${kind}]` : shown;
}

function plainField(name: string, value: unknown, walk: Walk): Plain {
  const empty = value === null || value === "" || typeof value === "boolean";
  return !empty && walk.redactor.hides(name) ? hidden : visit(value, walk);
}

/** One top-level field of a record: redacted by its name, or by what it holds. */
export function plainFieldValue(name: string, value: unknown, redactor: Redactor): Plain {
  return plainField(name, value, { redactor, parents: new Set(), left: mostNodes });
}
