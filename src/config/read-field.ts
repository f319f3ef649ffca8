import { nearest } from "../core/nearest.ts";
import { plainValue } from "./core-types.ts";
import { expected } from "./expected.ts";
import type { Field, Shape, Written } from "./fields.ts";
import type { Report } from "./findings.ts";
import type { MapNode, Node, ScalarNode, Span } from "./node.ts";
import { spanOf } from "./node.ts";
import type { ScalarInput } from "./scalar.ts";
import { parseScalar } from "./scalar.ts";
import { addUrlPasswords } from "./secrets.ts";
import type { Expanded, VariableSource } from "./variables.ts";
import { expandVariables } from "./variables.ts";

/** What reading needs beside the nodes. */
export interface Reading extends VariableSource {
  readonly report: Report;
}

type Fields = Readonly<Record<string, Field>>;
/** A value on its way: its node, the key before it, and its name as people would say it (`http.port`). */
interface Place {
  readonly node: Node;
  readonly key: Span | undefined;
  readonly name: string;
}

/**
 * Reads the keys of a mapping and reports every one that is unknown, missing or wrong. What is wrong is
 * left out of the result, so that one mistake is one problem.
 *
 * `elsewhere`: known keys that somebody else reads. `prefix`: what the names in messages begin with.
 */
export function readFields<F extends Fields>(
  node: MapNode,
  fields: F,
  reading: Reading,
  prefix: string,
  options: { readonly key?: Span | undefined; readonly elsewhere?: readonly string[] } = {},
): { readonly [K in keyof F]?: Written<F[K]["type"]> } {
  const written: Record<string, unknown> = {};
  for (const [name, entry] of node.entries) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field) {
      const value = readField(field, { node: entry.value, key: entry, name: prefix + name }, reading);
      if (value !== undefined) written[name] = value;
    } else if (!name.startsWith("x-") && !options.elsewhere?.includes(name)) {
      reportUnknown(name, entry, fields, options.elsewhere ?? [], reading);
    }
  }
  for (const name in fields) {
    const field = fields[name] as Field;
    if (field.required && !node.entries.has(name)) {
      reading.report(
        "MISSING_KEY",
        options.key ?? node,
        `"${name}" is missing`,
        `Add "${name}: ${field.example}".`,
      );
    }
  }
  return written as { readonly [K in keyof F]?: Written<F[K]["type"]> };
}

/** The value of one field, or undefined after a report. */
export function readField(field: Field, place: Place, reading: Reading): unknown {
  const { node } = place;
  switch (field.kind) {
    case "any":
      return readAny(node, reading);
    case "union":
      return readUnion(field, place, reading);
    case "list":
      if (node.tag !== "list") return wrongType(field, place, reading);
      return readItems(field.item, node.items, place, reading);
    case "map":
      if (node.tag !== "map") return wrongType(field, place, reading);
      return readMap(field, node, place, reading);
    case "object":
      if (node.tag !== "map") return wrongType(field, place, reading);
      return readFields(node, field.fields, reading, `${place.name}.`, { key: place.key });
    default:
      return readScalar([field], field, place, reading);
  }
}

function readUnion(field: Field & { kind: "union" }, place: Place, reading: Reading): unknown {
  const shape: Shape = place.node.tag;
  const way = shape === "list" ? field.list : field.map;
  if (shape !== "scalar" && !way) return wrongType(field, place, reading);
  const value =
    way && shape !== "scalar"
      ? readField(way, place, reading)
      : readScalar(field.scalars, field, place, reading);
  return value === undefined ? undefined : field.normalize(value, shape);
}

function readItems(item: Field, nodes: readonly Node[], place: Place, reading: Reading): unknown[] {
  return nodes
    .map((node, index) => readField(item, { node, key: node, name: `${place.name}[${index}]` }, reading))
    .filter((value) => value !== undefined);
}

function readMap(field: Field & { kind: "map" }, node: MapNode, place: Place, reading: Reading): unknown {
  const values: [string, unknown][] = [];
  for (const [name, entry] of node.entries) {
    const value = readField(
      field.value,
      { node: entry.value, key: entry, name: `${place.name}.${name}` },
      reading,
    );
    if (value !== undefined) values.push([name, value]);
  }
  return Object.fromEntries(values);
}

/** Tries the ways in turn; `field` is what the message speaks of. */
function readScalar(ways: readonly Field[], field: Field, place: Place, reading: Reading): unknown {
  const { node } = place;
  if (node.tag !== "scalar") return wrongType(field, place, reading);
  const input = expand(node, reading);
  if (!input) return undefined;
  if (input.untyped && !input.variable && plainValue(input.text) === null)
    return noValue(field, place, reading);
  let hint: string | undefined;
  let badWay: Field | undefined;
  for (const way of ways) {
    const result = parseScalar(way, input);
    if (result.ok) return result.value;
    hint ??= result.hint;
    if (result.code === "BAD_VALUE") badWay ??= way;
  }
  reading.report(
    badWay ? "BAD_VALUE" : "WRONG_TYPE",
    spanOf(node, place.key),
    `"${place.name}" must be ${expected(badWay ?? field)}, not ${describe(node, input)}`,
    hint ?? exampleOf(field, place),
  );
  return undefined;
}

/** Handed over as it is, with variables replaced. Frozen, because a plan never changes. */
function readAny(node: Node, reading: Reading): unknown {
  if (node.tag === "list") return Object.freeze(node.items.map((item) => readAny(item, reading) ?? null));
  if (node.tag === "map") {
    const entries = [...node.entries].map(
      ([name, entry]) => [name, readAny(entry.value, reading) ?? null] as const,
    );
    return Object.freeze(Object.fromEntries(entries));
  }
  const input = expand(node, reading);
  if (!input) return undefined;
  const value = input.untyped && !input.variable ? plainValue(input.text) : input.text;
  if (typeof value === "string") addUrlPasswords(reading.secrets, value);
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    reading.report("BAD_VALUE", node, `${input.text} would lose digits as a number`, "Put it in quotes.");
  }
  return value;
}

type Input = ScalarInput & Pick<Expanded, "secret">;

function expand(node: ScalarNode, reading: Reading): Input | undefined {
  const { text, plain, source } = node;
  if (!text.includes("$")) return { text, untyped: plain, variable: false, secret: false, file: source.file };
  const expanded = expandVariables(text, reading, ({ code, start, end, message, hint }) =>
    reading.report(code, spanWithin(node, start, end), message, hint),
  );
  if (!expanded) return undefined;
  const { whole, secret } = expanded;
  return { text: expanded.text, untyped: plain || whole, variable: whole, secret, file: source.file };
}

/** Escapes and folded lines move characters; then the first occurrence in the source is the best guess. */
function spanWithin(node: ScalarNode, start: number, end: number): Span {
  const { source, text } = node;
  const written = source.text.slice(node.start, node.end);
  const quote = node.plain || written === text ? 0 : 1;
  const exact = written.slice(quote, quote + text.length) === text;
  const offset = exact ? quote + start : written.indexOf(text.slice(start, end));
  if (offset === -1) return node;
  return { source, start: node.start + offset, end: node.start + offset + end - start };
}

function reportUnknown(
  name: string,
  at: Span,
  fields: Fields,
  more: readonly string[],
  reading: Reading,
): void {
  const known = [...Object.keys(fields), ...more];
  const meant = nearest(name, known);
  const hint = meant ? `Did you mean "${meant}"? ` : "";
  reading.report("UNKNOWN_KEY", at, `Unknown key "${name}"`, `${hint}Known here: ${known.join(", ")}.`);
}

function wrongType(field: Field, place: Place, reading: Reading): undefined {
  const { node, key, name } = place;
  if (node.tag === "scalar") {
    const input = expand(node, reading);
    if (!input) return undefined;
    if (input.untyped && !input.variable && plainValue(input.text) === null)
      return noValue(field, place, reading);
    const found = describe(node, input);
    reading.report(
      "WRONG_TYPE",
      spanOf(node, key),
      `"${name}" must be ${expected(field)}, not ${found}`,
      exampleOf(field, place),
    );
    return undefined;
  }
  const found = node.tag === "list" ? "a list" : "a mapping";
  reading.report(
    "WRONG_TYPE",
    spanOf(node, key),
    `"${name}" must be ${expected(field)}, not ${found}`,
    exampleOf(field, place),
  );
  return undefined;
}

function noValue(field: Field, place: Place, reading: Reading): undefined {
  reading.report(
    "WRONG_TYPE",
    place.key ?? place.node,
    `"${place.name}" has no value; it must be ${expected(field)}`,
    `${exampleOf(field, place)}${field.required ? "" : " Or remove the key."}`,
  );
  return undefined;
}

function exampleOf(field: Field, place: Place): string {
  const key = place.name.slice(place.name.lastIndexOf(".") + 1);
  return key.includes("[") ? `For example: ${field.example}.` : `For example: "${key}: ${field.example}".`;
}

/** What was found, without what must not be shown. */
function describe(node: ScalarNode, input: Input): string {
  const written = node.text.length > 60 ? `${node.text.slice(0, 57)}...` : node.text;
  if (input.secret) return `the value of ${written}`;
  const value = input.untyped ? plainValue(input.text) : input.text;
  const shown = input.text.length > 60 ? `${input.text.slice(0, 57)}...` : input.text;
  const from = input.text === node.text ? "" : ` (from ${written})`;
  if (value === null || input.text === "") return `empty text${from}`;
  return typeof value === "string" ? `"${shown}"${from}` : `the ${typeof value} ${shown}${from}`;
}
