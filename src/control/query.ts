import { parseDuration } from "../core/duration.ts";
import { ApiError } from "./api-error.ts";

/*
 * What the query of a request to the API says. All throw ApiError BAD_REQUEST.
 */

const longestWaitMs = 3_600_000;
const usualWaitMs = 60_000;

export function isSet(url: URL, name: string, otherwise: boolean): boolean {
  const value = url.searchParams.get(name);
  if (value === null) return otherwise;
  if (value === "" || value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw wrong(name, value, "Say true or false.");
}

/** How long the client waits, in milliseconds. */
export function timeoutOf(url: URL): number {
  const text = url.searchParams.get("timeout");
  if (text === null) return usualWaitMs;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0 && ms <= longestWaitMs) return ms;
  throw wrong("timeout", text, "Say how long, like 30s, at most 1h.");
}

export function countOf(
  url: URL,
  name: string,
  { usual, least, most }: { readonly usual: number; readonly least: number; readonly most: number },
): number {
  const text = url.searchParams.get(name);
  if (text === null) return usual;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= least && count <= most) return count;
  throw wrong(name, text, `Say how many, from ${least} to ${most}.`);
}

/** `value` as it came, when it is one of `choices`. */
export function choiceOf<Choice extends string>(
  name: string,
  value: unknown,
  choices: readonly Choice[],
): Choice | undefined {
  if (value === null || value === undefined) return undefined;
  if (choices.includes(value as Choice)) return value as Choice;
  throw wrong(name, value, `Known: ${choices.join(", ")}.`);
}

export function wrong(name: string, value: unknown, hint: string): ApiError {
  return new ApiError(400, "BAD_REQUEST", `${name} cannot be ${JSON.stringify(value)}`, hint);
}
