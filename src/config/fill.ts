import type { Field, ObjectOf } from "./fields.ts";

type Fields = Readonly<Record<string, Field>>;
type Layer = Readonly<Record<string, unknown>>;

/**
 * The values of all fields: from the first layer that has one, else the default. Mappings are filled key
 * by key through all layers. What no layer mentions is the default itself, frozen and shared by all.
 */
export function fillFields<F extends Fields>(fields: F, layers: readonly Layer[]): ObjectOf<F> {
  const filled: Record<string, unknown> = {};
  for (const name in fields) {
    const field = fields[name] as Field;
    const first = layers.find((layer) => layer[name] !== undefined)?.[name];
    filled[name] = isLayer(first) ? fillBlock(field, first, layers, name) : (first ?? field.defaultValue);
  }
  return Object.freeze(filled) as ObjectOf<F>;
}

function fillBlock(field: Field, first: Layer, layers: readonly Layer[], name: string): unknown {
  const block = field.kind === "union" ? field.map : field;
  if (block?.kind !== "object" && block?.kind !== "map") return first;
  const inner = layers.map((layer) => layer[name]).filter(isLayer);
  if (block.kind === "object") return fillFields(block.fields, inner);
  return Object.freeze(Object.assign({}, ...inner.reverse()));
}

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null;
}
