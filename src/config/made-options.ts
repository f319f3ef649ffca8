import { formatDuration, longestDuration, parseDuration } from "../core/duration.ts";
import { nearest } from "../core/nearest.ts";
import type { DependencyCondition, LogPlan, RestartPlan, ShutdownPlan } from "../core/plan.ts";
import type { Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import { expected } from "./expected.ts";
import type { Field } from "./fields.ts";
import { any, bool, justFalse, number, object, union } from "./fields.ts";
import type { Report } from "./findings.ts";
import { reportTo } from "./findings.ts";
import { serviceFields } from "./schema.ts";
import { http } from "./schema-http.ts";
import { log, shutdown } from "./schema-whole.ts";

/*
 * The options of a program, by the fields of services.yaml: what has a field takes the same values. Durations may be
 * numbers, too: milliseconds.
 */

/** Durations in milliseconds. Absent: the default. */
export interface GroupOptions {
  readonly name?: string;
  readonly admin?: { readonly host?: string; readonly port: number } | false;
  readonly log?: Partial<LogPlan>;
  readonly shutdown?: Partial<Pick<ShutdownPlan, "timeout" | "delay" | "order">>;
  readonly signals?: boolean;
}

export interface ServiceOptions {
  readonly name?: string;
  readonly dependsOn?: Readonly<Record<string, DependencyCondition>>;
  readonly critical?: boolean;
  readonly config?: unknown;
  readonly startTimeout?: number;
  readonly stopTimeout?: number;
  readonly restart?: Partial<Omit<RestartPlan, "backoff">> & {
    readonly backoff?: Partial<RestartPlan["backoff"]>;
  };
  readonly http?: { readonly port: number; readonly host?: string; readonly path?: string };
}

/** Only what is told of a wrong value: no page is made of these fields. */
const such = (example: string) => ({ description: "", example });
const free = any(such(""));
const port = number({ description: "", required: true, min: 0, max: 65_535, example: "8080" });

const groupFields = {
  name: free,
  admin: union<unknown>(
    {
      scalars: [justFalse(such("false"))],
      map: object({ port, ...only(http, "host") }, such("{ port: 6060 }")),
    },
    (value) => value,
    such("{ port: 6060 }"),
  ),
  log,
  shutdown: object(only(shutdown, "timeout", "delay", "order"), such(shutdown.example)),
  signals: bool(such("false")),
};

const { depends_on: dependsOn, start_timeout: startTimeout, stop_timeout: stopTimeout } = serviceFields;
const addFields = {
  name: free,
  dependsOn,
  critical: serviceFields.critical,
  config: free,
  startTimeout,
  stopTimeout,
  restart: serviceFields.restart,
  http: object({ port, ...only(http, "host", "path") }, such(http.example)),
};

/** @throws ProblemsError */
export function readGroupOptions(options: unknown): GroupOptions {
  return readAll(options, groupFields, "of the group") as GroupOptions;
}

/** @throws ProblemsError */
export function readServiceOptions(options: unknown, name: string): ServiceOptions {
  return readAll(options, addFields, `of service "${name}"`) as ServiceOptions;
}

/** Some fields of a block: the program has no others. */
function only(block: Field, ...keys: readonly string[]): Readonly<Record<string, Field>> {
  const fields: Readonly<Record<string, Field>> = block.kind === "object" ? block.fields : {};
  return Object.fromEntries(Object.entries(fields).filter(([key]) => keys.includes(key)));
}

function readAll(options: unknown, fields: Readonly<Record<string, Field>>, owner: string): unknown {
  const problems: Problem[] = [];
  const read = readOption(object(fields, such("{}")), options, {
    name: "",
    owner,
    report: reportTo(problems),
  });
  if (problems.length > 0) throw new ProblemsError(problems);
  return read;
}

interface Place {
  readonly name: string;
  readonly owner: string;
  readonly report: Report;
}

/** The value as the plan has it; undefined after a report. */
function readOption(field: Field, value: unknown, place: Place): unknown {
  const refused = (hint?: string) => refuse(field, value, place, hint);
  switch (field.kind) {
    case "any":
      return value;
    case "object":
      return isMap(value) ? readKeys(field.fields, value, place) : refused();
    case "map":
      return isMap(value) ? readEach(Object.entries(value), field.value, place) : refused();
    case "list":
      return Array.isArray(value) ? value.map((item) => readOption(field.item, item, place)) : refused();
    case "union":
      return readUnion(field, value, place);
    case "duration":
      return readDuration(field, value, place);
    case "number":
      return isIn(field, value) ? value : refused();
    case "bool":
      return typeof value === "boolean" ? value : refused();
    case "false":
      return value === false ? value : refused();
    case "enum": {
      if (field.values.includes(value as string)) return value;
      const meant = typeof value === "string" ? nearest(value, field.values) : undefined;
      return refused(meant && `Did you mean "${meant}"?`);
    }
    default: {
      const pattern = field.kind === "string" ? field.pattern : undefined;
      return typeof value === "string" && value !== "" && (pattern?.test(value) ?? true) ? value : refused();
    }
  }
}

function readKeys(fields: Readonly<Record<string, Field>>, value: object, place: Place): unknown {
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  const read: Record<string, unknown> = {};
  for (const [key, each] of given) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field) read[key] = readOption(field, each, below(place, key));
    else complainUnknown(key, Object.keys(fields), place);
  }
  for (const [key, field] of Object.entries(fields)) {
    if (field.required && !given.some(([each]) => each === key)) refuse(field, undefined, below(place, key));
  }
  return read;
}

function readEach(entries: readonly [string, unknown][], field: Field, place: Place): unknown {
  return Object.fromEntries(entries.map(([key, each]) => [key, readOption(field, each, below(place, key))]));
}

function readUnion(field: Field & { kind: "union" }, value: unknown, place: Place): unknown {
  const shape = Array.isArray(value) ? "list" : isMap(value) ? "map" : "scalar";
  const way = shape === "scalar" ? field.scalars[0] : field[shape];
  if (!way || (shape === "scalar" && typeof value !== "string" && value !== false)) {
    return refuse(field, value, place);
  }
  const read = readOption(way, value, place);
  return read === undefined ? undefined : field.normalize(read, shape);
}

function readDuration(field: Field & { kind: "duration" }, value: unknown, place: Place): unknown {
  const ms = typeof value === "string" ? parseDuration(value) : value;
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    return refuse(field, value, place, `Give milliseconds, or text like "${field.example}".`);
  }
  if (ms < field.min) return refuse(field, value, place, `It must be ${field.min} ms or longer.`);
  if (ms <= longestDuration) return ms;
  return refuse(field, value, place, `It must be ${formatDuration(longestDuration)} (ten years) or shorter.`);
}

function refuse(field: Field, value: unknown, { name, owner, report }: Place, hint?: string): undefined {
  const message = `Option "${name}" ${owner} must be ${expected(field)}, not ${shown(value)}`;
  report("BAD_VALUE", undefined, message, hint ?? `For example: ${field.example}`);
  return undefined;
}

function complainUnknown(key: string, known: readonly string[], { name, owner, report }: Place): void {
  const meant = nearest(key, known);
  const hint = `${meant ? `Did you mean "${meant}"? ` : ""}Known here: ${known.join(", ")}.`;
  report("UNKNOWN_KEY", undefined, `There is no option "${join(name, key)}" ${owner}`, hint);
}

function below(place: Place, key: string): Place {
  return { ...place, name: join(place.name, key) };
}

function join(name: string, key: string): string {
  return name === "" ? key : `${name}.${key}`;
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIn({ min, max, whole }: { min: number; max: number; whole: boolean }, value: unknown): boolean {
  return typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (typeof value === "number") return `the number ${value}`;
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
