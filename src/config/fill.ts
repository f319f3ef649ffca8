import type { Field, ObjectOf } from "./fields.ts";

type Fields = Readonly<Record<string, Field>>;
type Layer = Readonly<Record<string, unknown>>;

/**
 * The values of all fields: from the first layer that has one, else the default. Mappings are filled key
 * by key through all layers. What no layer mentions is the default itself, frozen and shared by all.
 */
export function fillFields<F extends Fields>(fields: F, layers: readonly Layer[]): ObjectOf<F> {
  // Most keys of most services are defaults: copying them all at once is what makes this cheap.
  const filled: Record<string, unknown> = { ...defaultsOf(fields) };
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index] as Layer;
    for (const name in layer) {
      const value = layer[name];
      if (value === undefined) continue;
      filled[name] =
        typeof value === "object" ? fillBlock(fields[name] as Field, value, layers, name) : value;
    }
  }
  return Object.freeze(filled) as ObjectOf<F>;
}

function fillBlock(field: Field, value: unknown, layers: readonly Layer[], name: string): unknown {
  const block = field.kind === "union" ? field.map : field;
  if (block?.kind !== "object" && block?.kind !== "map") return value;
  const inner = layers.map((layer) => layer[name]).filter(isLayer);
  if (block.kind === "object") return fillFields(block.fields, inner);
  return Object.freeze(Object.assign({}, ...inner.reverse()));
}

const knownDefaults = new WeakMap<Fields, Layer>();

function defaultsOf(fields: Fields): Layer {
  let defaults = knownDefaults.get(fields);
  if (!defaults) {
    defaults = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.defaultValue]));
    knownDefaults.set(fields, defaults);
  }
  return defaults;
}

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null;
}
