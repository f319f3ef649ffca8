import type { Field } from "./fields.ts";
import { rootFields, serviceFields, servicesField } from "./schema.ts";
import { http } from "./schema-http.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema (draft 2020-12) of services.yaml, for editors. It allows what `check` allows, but for
 * what needs more than one place to look at; a variable may stand for any scalar. It is not for overlays, which are parts.
 */
export function jsonSchema(): object {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "services.yaml",
    description: "Many services in one process: what runs, and how.",
    ...objectOf(rootFields),
    $defs: {
      variable: {
        type: "string",
        pattern: "\\$\\{",
        description: "${NAME}, ${NAME:-default}, ${NAME:?message} or ${credential:NAME}.",
      },
    },
  };
}

const variable: Json = { $ref: "#/$defs/variable" };

function schemaOf(field: Field): Json {
  const { description, defaultText } = field;
  return {
    ...(description ? { description } : {}),
    ...(defaultText === undefined ? {} : { default: defaultOf(field, defaultText) }),
    ...typeOf(field),
  };
}

function typeOf(field: Field): Json {
  switch (field.kind) {
    case "any":
      return {};
    case "string":
      return field.pattern ? text(field.pattern.source) : { type: "string", minLength: 1 };
    case "path":
      return { type: "string", minLength: 1 };
    case "text":
      return { type: ["string", "number", "boolean"] };
    case "address":
      return text("^(unix:.+|systemd:.+|\\[[^\\]]+\\]:\\d{1,5}|[^:]+:\\d{1,5})$");
    case "duration":
      return durationFrom(field.min);
    case "size":
      return text("^\\d+(\\.\\d+)?(B|KB|MB|GB|KiB|MiB|GiB)?$", { type: "integer", minimum: 0 });
    case "bool":
      return { anyOf: [{ type: "boolean" }, variable] };
    case "false":
      return { const: false };
    case "number":
      return { anyOf: [numberOf(field), variable] };
    case "enum":
      return { anyOf: [{ enum: field.values }, variable] };
    case "list":
      return { type: "array", items: schemaOf(field.item) };
    case "map":
      return mapOf(field);
    case "object":
      return objectOf(field.fields);
    case "union":
      return { anyOf: waysOf(field).map(schemaOf) };
  }
}

/** A string that matches, or holds a variable; or one of the others. */
function text(pattern: string, ...others: Json[]): Json {
  return { anyOf: [{ type: "string", pattern }, ...others, variable] };
}

/** Of a least value only that it is none of nothing. */
function durationFrom(min: number): Json {
  const parts = "(\\d+(\\.\\d+)?(ms|s|m|h))+";
  return min > 0 ? text(`^(?=.*[1-9])${parts}$`) : text(`^(0|${parts})$`, { const: 0 });
}

function numberOf({ whole, min, max }: { whole: boolean; min: number; max: number }): Json {
  return { type: whole ? "integer" : "number", minimum: min, maximum: max };
}

function mapOf(field: Field & { kind: "map" }): Json {
  return {
    type: "object",
    ...(field === (servicesField as Field) ? { minProperties: 1 } : {}),
    ...(field.keys ? { propertyNames: { pattern: field.keys.source } } : {}),
    additionalProperties: schemaOf(field.value),
  };
}

function objectOf(fields: Readonly<Record<string, Field>>): Json {
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])),
    patternProperties: { "^x-": {} },
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
    ...together.get(fields),
  };
}

/** What the keys of a mapping demand of each other. */
const together = new Map<Readonly<Record<string, Field>>, Json>([
  [
    serviceFields,
    {
      if: {
        required: ["schedule"],
        properties: { schedule: { type: "object", required: ["enqueue"] } },
        not: { anyOf: [{ required: ["http"] }, { required: ["consume"] }] },
      },
      else: { required: ["module"] },
      dependentRequired: { instances: ["isolation"], memory: ["isolation"] },
    },
  ],
  [
    fieldsOf(http),
    {
      anyOf: [{ required: ["port"] }, { required: ["unix"] }, { required: ["listen"] }],
      not: { required: ["unix"], anyOf: [{ required: ["port"] }, { required: ["host"] }] },
    },
  ],
]);

function fieldsOf(field: Field): Readonly<Record<string, Field>> {
  return field.kind === "object" ? field.fields : {};
}

function waysOf(field: Field & { kind: "union" }): Field[] {
  return [...field.scalars, field.list, field.map].filter((way) => way !== undefined);
}

function defaultOf(field: Field, written: string): unknown {
  if (written === "{}") return {};
  return field.kind === "number" ? Number(written) : field.kind === "bool" ? written === "true" : written;
}
