import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { jsonSchema } from "../../src/config/json-schema.ts";

/*
 * The schema for editors must agree with `check`: it takes every good case, and refuses those bad ones that
 * can be seen without looking at anything else than the value.
 */

type Schema = Readonly<Record<string, unknown>>;
const schema = jsonSchema() as Schema & { $defs: Readonly<Record<string, Schema>> };
const root = join(import.meta.dir, "..", "config-cases");
const cases = readdirSync(root).filter((name) => existsSync(join(root, name, "expected.txt")));
const isGood = (name: string) => readFileSync(join(root, name, "expected.txt"), "utf8").startsWith("{");
const good = cases.filter((name) => isGood(name) && existsSync(join(root, name, "services.yaml")));

test.each(good)("jsonSchema() takes the good case %s", (name) => {
  expect(problems(schema, load(name), "")).toEqual([]);
});

test.each([
  "unknown-keys",
  "later-keys",
  "services-missing",
  "services-empty",
  "services-list",
  "wrong-types",
  "bad-values",
])("jsonSchema() refuses the bad case %s", (name) => {
  expect(problems(schema, load(name), "").length).toBeGreaterThan(0);
});

test.each([
  ["a service without a module", "a: { http: { port: 1 } }"],
  [
    "one with a schedule that enqueues, and http",
    "a: { schedule: { cron: x, enqueue: t }, http: { port: 1 } }",
  ],
  ["http without an address", "a: { module: a.ts, http: { path: / } }"],
  ["a port and a unix socket", "a: { module: a.ts, http: { port: 1, unix: a.sock } }"],
  ["a host and a unix socket", "a: { module: a.ts, http: { host: a, unix: a.sock } }"],
  ["a duration of zero where it must not be", "a: { module: a.ts, start_timeout: 0s }"],
  ["the number zero there", "a: { module: a.ts, start_timeout: 0 }"],
  ["instances without isolation", "a: { module: a.ts, instances: 2 }"],
  ["memory without isolation", "a: { module: a.ts, memory: 64MiB }"],
])("jsonSchema() refuses %s", (_, service) => {
  expect(problems(schema, parse(`services: { ${service} }`), "")).not.toEqual([]);
});

test.each([
  "a: { schedule: { cron: x, enqueue: t } }",
  "a: { module: a.ts, http: { listen: systemd:web, port: 80 } }",
  "a: { module: a.ts, http: { unix: a.sock }, start_timeout: 0.5s }",
  "a: { module: a.ts, isolation: worker, instances: 2 }",
])("jsonSchema() takes the service %s", (service) => {
  expect(problems(schema, parse(`services: { ${service} }`), "")).toEqual([]);
});

test("jsonSchema() refuses every unknown key that check refuses", () => {
  const found = problems(schema, load("unknown-keys"), "").join("\n");
  const keys = ["nmae", "start-timeout", "stratretries", "shedule", "tsl", "bdy", "brokrs", "constructor"];
  for (const key of keys) expect(found).toContain(key);
});

function load(name: string): unknown {
  return parse(readFileSync(join(root, name, "services.yaml"), "utf8"), { merge: true });
}

/** The part of JSON Schema 2020-12 that the generator uses; an unknown keyword is a failure of the test. */
function problems(rule: Schema, value: unknown, path: string): string[] {
  const known = new Set(Object.keys(checks));
  const strange = Object.keys(rule).filter((key) => !known.has(key) && !annotations.has(key));
  if (strange.length > 0) throw new Error(`keywords without a check: ${strange}`);
  return Object.keys(rule).flatMap((keyword) => checks[keyword]?.(rule, value, path) ?? []);
}

const annotations = new Set(["$schema", "$defs", "title", "description", "default"]);

type Check = (rule: Schema, value: unknown, path: string) => string[];
const when = (failed: boolean, path: string, keyword: string) => (failed ? [`${path}: ${keyword}`] : []);

const checks: Readonly<Record<string, Check>> = {
  $ref: (rule, value, path) =>
    problems(schema.$defs[String(rule.$ref).replace("#/$defs/", "")] as Schema, value, path),
  type: (rule, value, path) =>
    when(![rule.type].flat().some((type) => hasType(value, String(type))), path, `type ${rule.type}`),
  const: (rule, value, path) => when(value !== rule.const, path, "const"),
  enum: (rule, value, path) => when(!(rule.enum as unknown[]).includes(value), path, "enum"),
  pattern: (rule, value, path) =>
    when(typeof value === "string" && !new RegExp(String(rule.pattern), "u").test(value), path, "pattern"),
  minLength: (rule, value, path) =>
    when(typeof value === "string" && value.length < Number(rule.minLength), path, "minLength"),
  minimum: (rule, value, path) =>
    when(typeof value === "number" && value < Number(rule.minimum), path, "minimum"),
  maximum: (rule, value, path) =>
    when(typeof value === "number" && value > Number(rule.maximum), path, "maximum"),
  anyOf: (rule, value, path) => {
    const tried = (rule.anyOf as Schema[]).map((way) => problems(way, value, path));
    return tried.some((found) => found.length === 0) ? [] : tried.flat();
  },
  not: (rule, value, path) => when(problems(rule.not as Schema, value, path).length === 0, path, "not"),
  if: (rule, value, path) =>
    problems(rule.if as Schema, value, path).length > 0 ? problems(rule.else as Schema, value, path) : [],
  else: () => [],
  dependentRequired: (rule, value, path) =>
    isMap(value)
      ? Object.entries(rule.dependentRequired as Record<string, string[]>).flatMap(([key, needs]) =>
          when(key in value && needs.some((need) => !(need in value)), path, `${key} alone`),
        )
      : [],
  items: (rule, value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => problems(rule.items as Schema, item, `${path}[${index}]`))
      : [],
  required: (rule, value, path) =>
    isMap(value)
      ? (rule.required as string[]).flatMap((key) => when(!(key in value), path, `no ${key}`))
      : [],
  minProperties: (rule, value, path) =>
    when(isMap(value) && Object.keys(value).length < Number(rule.minProperties), path, "minProperties"),
  propertyNames: (rule, value, path) =>
    isMap(value)
      ? Object.keys(value).flatMap((key) => problems(rule.propertyNames as Schema, key, `${path}.${key}`))
      : [],
  properties: (rule, value, path) =>
    isMap(value)
      ? Object.entries(rule.properties as Record<string, Schema>).flatMap(([key, inner]) =>
          Object.hasOwn(value, key) ? problems(inner, value[key], `${path}.${key}`) : [],
        )
      : [],
  patternProperties: () => [],
  additionalProperties: (rule, value, path) => {
    if (!isMap(value)) return [];
    const declared = (rule.properties ?? {}) as object;
    const patterns = Object.keys((rule.patternProperties ?? {}) as object).map(
      (pattern) => new RegExp(pattern),
    );
    return Object.keys(value)
      .filter((key) => !Object.hasOwn(declared, key) && !patterns.some((pattern) => pattern.test(key)))
      .flatMap((key) =>
        rule.additionalProperties === false
          ? [`${path}: unknown ${key}`]
          : problems(rule.additionalProperties as Schema, value[key], `${path}.${key}`),
      );
  },
};

function hasType(value: unknown, type: string): boolean {
  if (type === "object") return isMap(value);
  if (type === "array") return Array.isArray(value);
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
