import { unread } from "../core/unread.ts";
import { complainNull, complainType, complainValue } from "./complaints.ts";
import { plainValue } from "./core-types.ts";
import type { Field } from "./fields.ts";
import type { Node, ScalarNode, Span } from "./node.ts";
import type { Place, Reading } from "./reading.ts";
import type { ScalarInput } from "./scalar.ts";
import { parseScalar } from "./scalar.ts";
import { addUrlPasswords } from "./secrets.ts";
import { expandVariables } from "./variables.ts";

/** `key:` with nothing behind it, or with `null`. */
export function isNothing(node: ScalarNode): boolean {
  return node.plain && plainValue(node.text) === null;
}

/** Tries the ways in turn; `field` is what a message speaks of when none of them fits. */
export function readScalar(ways: readonly Field[], field: Field, place: Place, reading: Reading): unknown {
  const { node } = place;
  if (node.tag !== "scalar") return complainType(field, place, reading);
  if (isNothing(node)) return complainNull(field, place, reading);
  const input = expand(node, reading);
  if (!input) return undefined;
  let hint: string | undefined;
  let wrong: Field | undefined;
  for (const way of ways) {
    const result = parseScalar(way, input);
    if (result.ok) return result.value;
    hint ??= result.hint;
    if (result.code === "BAD_VALUE") wrong ??= way;
  }
  return complainValue(wrong ? "BAD_VALUE" : "WRONG_TYPE", wrong ?? field, place, input, hint, reading);
}

/** Handed over as it is, with variables replaced; mappings and lists are frozen, because a plan never changes. */
export function readAny(node: Node, reading: Reading): unknown {
  if (node.tag === "list") return Object.freeze(node.items.map((item) => readAny(item, reading)));
  if (node.tag === "map") {
    const entries = node.entries.map((entry) => [entry.name, readAny(entry.value, reading)] as const);
    return Object.freeze(Object.fromEntries(entries));
  }
  const input = expand(node, reading);
  // Left out, it would be missing to whoever checks the whole.
  if (!input) return reading.lacks ? unread : undefined;
  const value = input.untyped && !input.variable ? plainValue(input.text) : input.text;
  if (typeof value === "string") addUrlPasswords(reading.secrets, value);
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    reading.report("BAD_VALUE", node, `${node.text} would lose digits as a number`, "Put it in quotes.");
  }
  return value;
}

function expand(node: ScalarNode, reading: Reading): ScalarInput | undefined {
  const { text, plain, source } = node;
  if (!text.includes("$")) {
    return { text, untyped: plain, variable: false, secret: false, file: source.file };
  }
  const expanded = expandVariables(text, reading, ({ code, start, end, message, hint }) =>
    reading.report(code, spanWithin(node, start, end), message, hint),
  );
  if (!expanded) return undefined;
  const { whole, secret } = expanded;
  return { text: expanded.text, untyped: plain || whole, variable: whole, secret, file: source.file };
}

/** Escapes and folded lines move characters; then the first occurrence in the source is the best guess. */
function spanWithin(node: ScalarNode, start: number, end: number): Span {
  const { source, text, plain } = node;
  const written = source.text.slice(node.start, node.end);
  const quote = plain ? 0 : 1;
  const exact = written.startsWith(text, quote);
  const offset = exact ? quote + start : written.indexOf(text.slice(start, end));
  if (offset === -1) return node;
  return { source, start: node.start + offset, end: node.start + offset + end - start };
}
