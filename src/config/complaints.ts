import { nearest } from "../core/nearest.ts";
import { plainValue } from "./core-types.ts";
import { expected } from "./expected.ts";
import type { Field } from "./fields.ts";
import type { ScalarNode, Span } from "./node.ts";
import { maskPasswords, spanOf } from "./node.ts";
import type { Place, Reading } from "./reading.ts";
import type { ScalarInput } from "./scalar.ts";

/* What is said about a value that a field does not take. All of them return undefined: there is no value. */

export function complainUnknown(name: string, at: Span, known: readonly string[], { report }: Reading): void {
  const meant = nearest(name, known);
  const hint = meant ? `Did you mean "${meant}"? ` : "";
  report("UNKNOWN_KEY", at, `Unknown key "${name}"`, `${hint}Known here: ${known.join(", ")}.`);
}

export function complainMissing(name: string, field: Field, at: Span, { report }: Reading): void {
  report("MISSING_KEY", at, `"${name}" is missing`, `For example: "${name}: ${field.example}".`);
}

export function complainNull(field: Field, place: Place, { report }: Reading): undefined {
  const message = `"${place.name}" has no value; it must be ${expected(field)}`;
  const more = field.required ? "" : " Or remove the key.";
  report("WRONG_TYPE", place.key ?? place.node, message, `${exampleOf(field, place)}${more}`);
  return undefined;
}

/** For collections, and for scalars where only a collection will do. */
export function complainType(field: Field, place: Place, { report }: Reading): undefined {
  const { node, key, name } = place;
  const found = node.tag === "scalar" ? describeWritten(node) : node.tag === "list" ? "a list" : "a mapping";
  const message = `"${name}" must be ${expected(field)}, not ${found}`;
  report("WRONG_TYPE", spanOf(node, key), message, exampleOf(field, place));
  return undefined;
}

export function complainValue(
  code: "WRONG_TYPE" | "BAD_VALUE",
  field: Field,
  place: Place,
  input: ScalarInput,
  hint: string | undefined,
  { report }: Reading,
): undefined {
  const { node, key, name } = place;
  const message = `"${name}" must be ${expected(field)}, not ${describe(node as ScalarNode, input)}`;
  report(code, spanOf(node, key), message, hint ?? exampleOf(field, place));
  return undefined;
}

function exampleOf(field: Field, { name }: Place): string {
  const key = name.slice(name.lastIndexOf(".") + 1);
  return key.includes("[") ? `For example: ${field.example}.` : `For example: "${key}: ${field.example}".`;
}

function describeWritten(node: ScalarNode): string {
  const value = node.plain ? plainValue(node.text) : node.text;
  const shown = shorten(node.text);
  return typeof value === "string" ? `"${shown}"` : `the ${typeof value} ${shown}`;
}

/** What was found, without what must not be shown. */
function describe(node: ScalarNode, input: ScalarInput): string {
  if (input.text === node.text) return describeWritten(node);
  const from = shorten(node.text);
  if (input.secret) return `the value of ${from}`;
  if (input.text === "") return `empty text (from ${from})`;
  return `"${shorten(input.text)}" (from ${from})`;
}

function shorten(text: string): string {
  const masked = maskPasswords(text);
  return masked.length > 60 ? `${masked.slice(0, 57)}...` : masked;
}
