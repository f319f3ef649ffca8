import { parseDuration } from "../core/duration.ts";
import type { Address } from "../core/plan.ts";
import { parseSize } from "../core/size.ts";
import { parseAddress } from "./address.ts";

/**
 * One value of services.yaml: its type, and everything people are told about it. Plain data, so that
 * validation, defaults, the JSON Schema and the reference page all come from it.
 */
export type Field<T = unknown> = FieldKind & {
  readonly description: string;
  /** As one would write it in YAML. */
  readonly example: string;
  readonly required: boolean;
  /** As written in YAML, for people; `defaultValue` is what the plan gets. */
  readonly defaultText?: string;
  readonly defaultValue?: T;
  /** Carries the type only; never set. */
  readonly type?: T;
};

export type FieldKind =
  | { readonly kind: "string"; readonly pattern?: RegExp; readonly rule?: string }
  /** A string, number or boolean that ends as text, exactly as written. */
  | { readonly kind: "text" }
  | { readonly kind: "bool" }
  | { readonly kind: "number"; readonly min: number; readonly max: number; readonly whole: boolean }
  /** Milliseconds. */
  | { readonly kind: "duration"; readonly min: number }
  /** Bytes. */
  | { readonly kind: "size" }
  /** Made absolute, relative to the folder of the file that it is written in. */
  | { readonly kind: "path" }
  /** `host:port`, `unix:PATH` or `systemd:NAME`. */
  | { readonly kind: "address" }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  /** Only the boolean `false`. */
  | { readonly kind: "false" }
  /** Anything YAML can say. */
  | { readonly kind: "any" }
  | { readonly kind: "list"; readonly item: Field }
  /** Keys chosen by the user. */
  | { readonly kind: "map"; readonly value: Field; readonly keys?: RegExp; readonly keyRule?: string }
  /** Keys fixed by the schema, and `x-*`. */
  | { readonly kind: "object"; readonly fields: Readonly<Record<string, Field>> }
  /** Several ways to write one value, told apart by their YAML shape; `normalize` makes them one. */
  | {
      readonly kind: "union";
      readonly scalars: readonly Field[];
      readonly list?: Field;
      readonly map?: Field;
      readonly normalize: (value: unknown, shape: Shape) => unknown;
    };

export interface FieldOptions {
  readonly description: string;
  readonly example: string;
  readonly required?: true;
  readonly default?: string;
}

/** What a field is once defaults are filled in: undefined only without default and `required`. */
type Filled<T, O> = O extends { required: true } | { default: string } ? T : T | undefined;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type Fields = Readonly<Record<string, Field>>;
export type ObjectOf<F> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** What was written, before defaults are filled in: anything may be absent. */
export type Written<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Written<T[K]> }
    : T;

export type Shape = "scalar" | "list" | "map";

export function string<O extends FieldOptions & { pattern?: RegExp; rule?: string }>(options: O) {
  const { pattern, rule } = options;
  return make<string, O>(
    { kind: "string", ...(pattern && { pattern }), ...(rule && { rule }) },
    options,
    itself,
  );
}

export function text<O extends FieldOptions>(options: O) {
  return make<string, O>({ kind: "text" }, options, itself);
}

export function bool<O extends FieldOptions>(options: O) {
  return make<boolean, O>({ kind: "bool" }, options, (written) => written === "true");
}

export function number<O extends FieldOptions & { min: number; max: number; whole?: boolean }>(options: O) {
  const { min, max, whole = true } = options;
  return make<number, O>({ kind: "number", min, max, whole }, options, Number);
}

/** `min` is in milliseconds. */
export function duration<O extends FieldOptions & { min?: number }>(options: O) {
  return make<number, O>({ kind: "duration", min: options.min ?? 0 }, options, parseDuration);
}

export function size<O extends FieldOptions>(options: O) {
  return make<number, O>({ kind: "size" }, options, parseSize);
}

export function path<O extends FieldOptions>(options: O) {
  return make<string, O>({ kind: "path" }, options, itself);
}

export function address<O extends FieldOptions>(options: O) {
  return make<Address, O>({ kind: "address" }, options, (written) => parseAddress(written, "/"));
}

export function oneOf<const V extends string, O extends FieldOptions>(values: readonly V[], options: O) {
  return make<V, O>({ kind: "enum", values }, options, itself);
}

export function justFalse<O extends FieldOptions>(options: O) {
  return make<false, O>({ kind: "false" }, options, () => false);
}

export function any<O extends FieldOptions>(options: O) {
  return make<unknown, O>({ kind: "any" }, options, emptyMap);
}

export function list<O extends FieldOptions>(item: Field<string>, options: O) {
  return make<readonly string[], O>({ kind: "list", item }, options, () => Object.freeze([]));
}

export function map<T, O extends FieldOptions & { keys?: RegExp; keyRule?: string }>(
  value: Field<T>,
  options: O,
) {
  const { keys, keyRule } = options;
  return make<Readonly<Record<string, T>>, O>(
    { kind: "map", value, ...(keys && { keys }), ...(keyRule && { keyRule }) },
    options,
    emptyMap,
  );
}

/** With `default: "{}"` it is always there, filled with the defaults of its fields. */
export function object<F extends Fields, O extends FieldOptions>(fields: F, options: O) {
  return make<ObjectOf<F>, O>({ kind: "object", fields }, options, () => defaultsOf(fields));
}

/**
 * `normalize` gets what was written in one of the ways, and returns the one form that the plan has. `T` has undefined
 * when there is no default.
 */
export function union<T>(
  ways: { readonly scalars: readonly Field[]; readonly list?: Field; readonly map?: Field },
  normalize: (value: unknown, shape: Shape) => unknown,
  options: FieldOptions,
): Field<T> {
  const made = make<T, FieldOptions>({ kind: "union", ...ways, normalize }, options, (written) => {
    if (ways.map?.kind === "object") return defaultsOf(ways.map.fields);
    if (ways.map) return emptyMap();
    return ways.scalars[0]?.kind === "address" ? parseAddress(written, "/") : written;
  });
  return made as Field<T>;
}

function make<T, O extends FieldOptions>(
  kind: FieldKind,
  options: O,
  parse: (written: string) => unknown,
): Field<Filled<T, O>> {
  const { description, example, required = false } = options;
  const made = { ...kind, description, example, required };
  if (options.default === undefined) return made;
  return { ...made, defaultText: options.default, defaultValue: parse(options.default) as Filled<T, O> };
}

function defaultsOf(fields: Fields): unknown {
  return Object.freeze(
    Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.defaultValue])),
  );
}

function itself(written: string): string {
  return written;
}

function emptyMap(): unknown {
  return Object.freeze({});
}
