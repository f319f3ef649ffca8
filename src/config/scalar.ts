import { dirname, resolve } from "node:path";
import { formatDuration, longestDuration, parseDuration } from "../core/duration.ts";
import { nearest } from "../core/nearest.ts";
import { parseSize } from "../core/size.ts";
import { longestSocketPath, parseAddress } from "./address.ts";
import { plainValue } from "./core-types.ts";
import type { Field } from "./fields.ts";

/** A scalar with its variables replaced. */
export interface ScalarInput {
  readonly text: string;
  /** It may be a number, a boolean or null: a plain scalar, or wholly one variable. */
  readonly untyped: boolean;
  /** Wholly one variable: text is text, even when it looks like a number. */
  readonly variable: boolean;
  /** It must not be shown. */
  readonly secret: boolean;
  /** The file that it is written in: paths are relative to its folder. */
  readonly file: string;
}

export type ScalarResult =
  | { readonly ok: true; readonly value: unknown }
  /** Another type than the field has. */
  | { readonly ok: false; readonly code: "WRONG_TYPE"; readonly hint?: string }
  /** The right type, but not allowed. */
  | { readonly ok: false; readonly code: "BAD_VALUE"; readonly hint?: string };

const wrongType: ScalarResult = { ok: false, code: "WRONG_TYPE" };
const badValue: ScalarResult = { ok: false, code: "BAD_VALUE" };

/** The value of a field that is written as one scalar. */
export function parseScalar(field: Field, input: ScalarInput): ScalarResult {
  switch (field.kind) {
    case "text":
      return ok(input.text);
    case "string":
      return matching(input, field.pattern);
    case "path":
      return parsePath(textOf(input), input.file);
    case "enum":
      return parseEnum(textOf(input), field.values);
    case "bool":
      return parseBool(input);
    case "false":
      return typed(input) === false ? ok(false) : wrongType;
    case "number":
      return parseNumber(input, field);
    case "duration":
      return parseTime(input, field.min);
    case "size":
      return parseBytes(input);
    case "address":
      return parseListen(input);
    default:
      return wrongType;
  }
}

function ok(value: unknown): ScalarResult {
  return { ok: true, value };
}

function typed(input: ScalarInput): unknown {
  return input.untyped ? plainValue(input.text) : input.text;
}

/** Undefined when YAML reads it as something else than text. */
function textOf(input: ScalarInput): string | undefined {
  if (input.variable || !input.untyped) return input.text;
  return typeof plainValue(input.text) === "string" ? input.text : undefined;
}

function matching(input: ScalarInput, pattern: RegExp | undefined): ScalarResult {
  const allowed = input.text !== "" && (!pattern || pattern.test(input.text));
  if (textOf(input) !== undefined) return allowed ? ok(input.text) : badValue;
  return allowed
    ? { ok: false, code: "WRONG_TYPE", hint: "Put it in quotes, so that YAML reads it as text." }
    : wrongType;
}

function parsePath(text: string | undefined, file: string): ScalarResult {
  if (text === undefined) return wrongType;
  if (text === "" || text.includes("\0")) return badValue;
  return ok(resolve(dirname(file), text));
}

function parseEnum(text: string | undefined, values: readonly string[]): ScalarResult {
  if (text === undefined) return wrongType;
  if (values.includes(text)) return ok(text);
  const meant = nearest(text, values);
  return meant ? { ok: false, code: "BAD_VALUE", hint: `Did you mean "${meant}"?` } : badValue;
}

function parseBool(input: ScalarInput): ScalarResult {
  const value = typed(input);
  if (typeof value === "boolean") return ok(value);
  if (!/^(?:yes|no|on|off|y|n)$/i.test(input.text)) return wrongType;
  return { ok: false, code: "WRONG_TYPE", hint: "YAML 1.2 knows only true and false." };
}

function parseNumber(
  input: ScalarInput,
  { min, max, whole }: { min: number; max: number; whole: boolean },
): ScalarResult {
  const value = typed(input);
  if (typeof value !== "number") {
    const inQuotes = !input.untyped && typeof plainValue(input.text) === "number";
    return inQuotes ? { ok: false, code: "WRONG_TYPE", hint: "Remove the quotes." } : wrongType;
  }
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) return badValue;
  return ok(value);
}

function parseTime(input: ScalarInput, min: number): ScalarResult {
  const value = parseDuration(input.text);
  if (value !== undefined && value < min) {
    return { ok: false, code: "BAD_VALUE", hint: tooShort(input.text, min) };
  }
  if (value !== undefined && value > longestDuration) {
    return {
      ok: false,
      code: "BAD_VALUE",
      hint: `It must be ${formatDuration(longestDuration)} (ten years) or shorter.`,
    };
  }
  if (value !== undefined) return ok(value);
  const plain = typed(input);
  if (typeof plain === "number" && plain > 0) {
    return {
      ok: false,
      code: "BAD_VALUE",
      hint: `Add a unit: ${input.text}s, ${input.text}ms or ${input.text}m.`,
    };
  }
  return typeof plain === "string" ? badValue : wrongType;
}

function tooShort(text: string, min: number): string {
  return min > 1 ? `It must be ${formatDuration(min)} or longer.` : `It must be longer than ${text}.`;
}

function parseBytes(input: ScalarInput): ScalarResult {
  const value = parseSize(input.text);
  if (value !== undefined) return Number.isSafeInteger(value) ? ok(value) : badValue;
  return typeof typed(input) === "string" ? badValue : wrongType;
}

function parseListen(input: ScalarInput): ScalarResult {
  if (typeof typed(input) !== "string") return wrongType;
  const value = parseAddress(input.text, dirname(input.file));
  if (!value) return badValue;
  if (value.tag === "unix" && Buffer.byteLength(value.path) > longestSocketPath) {
    return {
      ok: false,
      code: "BAD_VALUE",
      hint: "The path of a socket is too long: shorten it to 103 bytes.",
    };
  }
  return ok(value);
}
