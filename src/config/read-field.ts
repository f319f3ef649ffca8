import { complainMissing, complainNull, complainType, complainUnknown } from "./complaints.ts";
import type { Field, Written } from "./fields.ts";
import type { MapNode, Node, Span } from "./node.ts";
import { entryOf, removalOf } from "./node.ts";
import { isNothing, readAny, readScalar } from "./read-scalar.ts";
import type { Place, Reading } from "./reading.ts";

type Fields = Readonly<Record<string, Field>>;
type WrittenFields<F extends Fields> = { readonly [K in keyof F]?: Written<F[K]["type"]> };

/**
 * Reads the keys of a mapping and reports every one that is unknown, missing or wrong. What is wrong is
 * left out of the result, so that one mistake is one problem.
 *
 * `prefix`: what the names in messages begin with. `key`: what leads to the mapping.
 * `elsewhere`: known keys that somebody else reads.
 */
export function readFields<F extends Fields>(
  node: MapNode,
  fields: F,
  reading: Reading,
  prefix: string,
  key?: Span,
  elsewhere: readonly string[] = [],
): WrittenFields<F> {
  const written: Record<string, unknown> = {};
  for (const entry of node.entries) {
    const { name } = entry;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field) {
      const value = readField(field, { node: entry.value, key: entry, name: prefix + name }, reading);
      if (value !== undefined) written[name] = value;
    } else if (!name.startsWith("x-") && !elsewhere.includes(name)) {
      complainUnknown(name, entry, [...Object.keys(fields), ...elsewhere], reading);
    }
  }
  for (const name of requiredOf(fields)) {
    if (entryOf(node, name)) continue;
    complainMissing(name, fields[name] as Field, removalOf(node, name) ?? key ?? node, reading);
  }
  return written as WrittenFields<F>;
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
      return node.tag === "list"
        ? readItems(field.item, node.items, place, reading)
        : mismatch(field, place, reading);
    case "map":
      return node.tag === "map"
        ? readMap(field.value, node, place, reading)
        : mismatch(field, place, reading);
    case "object":
      if (node.tag !== "map") return mismatch(field, place, reading);
      return readFields(node, field.fields, reading, `${place.name}.`, place.key);
    default:
      return readScalar([field], field, place, reading);
  }
}

function readUnion(field: Field & { kind: "union" }, place: Place, reading: Reading): unknown {
  const shape = place.node.tag;
  const way = shape === "list" ? field.list : field.map;
  if (shape !== "scalar" && !way) return mismatch(field, place, reading);
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

function readMap(field: Field, node: MapNode, place: Place, reading: Reading): unknown {
  const values = node.entries.map((entry) => {
    const name = `${place.name}.${entry.name}`;
    return [entry.name, readField(field, { node: entry.value, key: entry, name }, reading)] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** A collection where a scalar is wanted, or the other way round. */
function mismatch(field: Field, place: Place, reading: Reading): undefined {
  const { node } = place;
  if (node.tag === "scalar" && isNothing(node)) return complainNull(field, place, reading);
  return complainType(field, place, reading);
}

const required = new WeakMap<Fields, readonly string[]>();

function requiredOf(fields: Fields): readonly string[] {
  let names = required.get(fields);
  if (!names) {
    names = Object.keys(fields).filter((name) => fields[name]?.required);
    required.set(fields, names);
  }
  return names;
}
