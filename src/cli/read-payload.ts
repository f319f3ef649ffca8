import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { messageOf, SupervisorError } from "../core/errors.ts";

/** The payload that a command line gives: JSON, `@FILE`, or `-` for standard input. @throws SupervisorError USAGE */
export async function readPayload(word: string | undefined, cwd: string): Promise<unknown> {
  if (word === undefined) return undefined;
  if (word === "-") return parse(await standardInput(), "standard input");
  if (!word.startsWith("@")) return parse(word, "the payload");
  const file = word.slice(1);
  return parse(textOf(resolve(cwd, file), file), file);
}

function textOf(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const hint = "@FILE is read from the working directory.";
    throw new SupervisorError("USAGE", `${shown} cannot be read: ${messageOf(error)}`, hint, {
      cause: error,
    });
  }
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}

function parse(text: string, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text, assertExact);
  } catch (error) {
    if (error instanceof SupervisorError) throw error;
    const hint = `Write it like '{"to":"ann"}'; a text has quotes of its own: '"ann"'.`;
    throw new SupervisorError("USAGE", `${where} is no JSON: ${messageOf(error)}`, hint, { cause: error });
  }
  return value;
}

/** A number that JavaScript rounds would arrive as another one. */
function assertExact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  const shown = context?.source ?? String(value);
  throw new SupervisorError(
    "USAGE",
    `the number ${shown} is too large to be kept exactly`,
    "Write it as a text.",
  );
}
