import type { Field } from "./fields.ts";

/**
 * The value of a field: from the first layer that has one, else its default. Mappings are filled key by
 * key through all layers. What no layer mentions is the default itself, frozen and shared by all.
 */
export function fill<T>(field: Field<T>, layers: readonly unknown[]): T {
  return fillAny(field, layers) as T;
}

/** As {@link fill}, for the fields of a mapping. */
export function fillFields<F extends Readonly<Record<string, Field>>>(
  fields: F,
  layers: readonly unknown[],
): { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } {
  return fillEach(fields, layers) as { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };
}

function fillAny(field: Field, layers: readonly unknown[]): unknown {
  const present = layers.filter((layer) => layer !== undefined);
  if (present.length === 0) return field.defaultValue;
  const block = field.kind === "union" ? field.map : field;
  const top = present[0];
  if (typeof top !== "object" || field.kind === "any") return top;
  if (block?.kind === "object") return fillEach(block.fields, present);
  if (block?.kind === "map") return Object.freeze(Object.assign({}, ...[...present].reverse()));
  return top;
}

function fillEach(fields: Readonly<Record<string, Field>>, layers: readonly unknown[]): unknown {
  const filled: Record<string, unknown> = {};
  const maps = layers.filter(isMap);
  for (const name in fields) {
    const field = fields[name] as Field;
    const inner: unknown[] = [];
    for (const layer of maps) if (layer[name] !== undefined) inner.push(layer[name]);
    filled[name] = inner.length === 0 ? field.defaultValue : fillAny(field, inner);
  }
  return Object.freeze(filled);
}

function isMap(layer: unknown): layer is Record<string, unknown> {
  return typeof layer === "object" && layer !== null;
}
