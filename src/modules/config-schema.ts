import { messageOf } from "../core/errors.ts";
import type { ServicePlan } from "../core/plan.ts";
import type { Locate, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import { holdsUnread } from "../core/unread.ts";

/** The part of Standard Schema (standardschema.dev, version 1) that zod, valibot and arktype share. */
interface StandardSchema {
  readonly "~standard": {
    validate(value: unknown): Result | Promise<Result>;
  };
}

type Result =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[];
}

/**
 * The service's `config:` block as its module wants it: through the module's exported `config` schema
 * when there is one, as written where it exports no `config`. An absent block is checked as `{}`, so that defaults apply.
 *
 * @throws ProblemsError with one BAD_CONFIG per issue, each at its place in services.yaml; with one that says so when
 * the schema itself throws.
 */
export async function checkConfig(
  service: ServicePlan,
  exports: Record<string, unknown>,
  locate: Locate,
): Promise<unknown> {
  const value = service.config ?? {};
  try {
    const schema = exports.config;
    if (!isStandardSchema(schema)) {
      if (schema === undefined || isEmpty(service.config)) return value;
      throw new ProblemsError([noSchema(service.name, locate)]);
    }
    const result = await schema["~standard"].validate(value);
    if (!result.issues) return result.value;
    const certain = result.issues.filter((issue) => !holdsUnread(valueAt(value, stepsOf(issue))));
    if (certain.length === 0) return value;
    throw new ProblemsError(certain.map((issue) => problem(service.name, issue, locate)));
  } catch (error) {
    throw error instanceof ProblemsError ? error : new ProblemsError([faulty(service.name, error, locate)]);
  }
}

/** No block, or nothing in it: there is nothing that a schema could refuse. */
function isEmpty(config: unknown): boolean {
  return Object.keys(Object(config ?? {})).length === 0;
}

/** What an issue is about; undefined when it is about something that is not there. */
function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce((inner, key) => (Object(inner) as Record<string | number, unknown>)[key], value);
}

function isStandardSchema(value: unknown): value is StandardSchema {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const standard = (value as Partial<StandardSchema>)["~standard"];
  return typeof standard?.validate === "function";
}

function problem(service: string, issue: Issue, locate: Locate): Problem {
  const path = stepsOf(issue);
  const key = ["config", ...path].join(".");
  const position = locate(["services", service, "config", ...path]);
  return {
    code: "BAD_CONFIG",
    message: `${key} of service "${service}" does not fit its module: ${issue.message}`,
    hint: `Correct services.${service}.${key}; the module's exported "config" schema says what it wants.`,
    ...(position ? { position } : {}),
  };
}

/** To hand the block over unchecked would let a schema of an older library pass for one that has checked it. */
function noSchema(service: string, locate: Locate): Problem {
  const position = locate(["services", service, "config"]);
  return {
    code: "BAD_CONFIG",
    message: `config of service "${service}" cannot be checked: the "config" that its module exports is no Standard Schema`,
    hint: "Export a schema of a library with Standard Schema (zod 3.24, valibot 1, arktype 2 or newer), or give the export another name.",
    ...(position ? { position } : {}),
  };
}

/** The code of the schema is somebody else's: it may fail where it should judge. */
function faulty(service: string, error: unknown, locate: Locate): Problem {
  const position = locate(["services", service, "config"]) ?? locate(["services", service, "module"]);
  return {
    code: "BAD_CONFIG",
    message: `config of service "${service}" cannot be checked: the schema of its module threw: ${messageOf(error)}`,
    hint: 'Correct the exported "config" schema: it says what is wrong as issues, and throws nothing.',
    ...(position ? { position } : {}),
  };
}

function stepsOf({ path = [] }: Issue): (string | number)[] {
  return path.map((step) => keyOf(typeof step === "object" ? step.key : step));
}

function keyOf(key: PropertyKey): string | number {
  return typeof key === "symbol" ? key.toString() : key;
}
