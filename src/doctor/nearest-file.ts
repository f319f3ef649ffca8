import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { codeOf } from "./code-text.ts";

/** The first file of that name in the folder of `from` or above; undefined when there is none. */
export function nearestFile(from: string, name: string): string | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) return undefined;
  }
}

/** JSON that people write: with comments and commas at the end. Undefined when it cannot be read. */
export function readLooseJson(file: string): Record<string, unknown> | undefined {
  try {
    const text = readFileSync(file, "utf8");
    const value: unknown = JSON.parse(withoutExtras(text));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Whoever needs the file says what is wrong with it.
    return undefined;
  }
}

/** Comments are where `codeOf` has blanks outside of strings. */
function withoutExtras(text: string): string {
  const code = codeOf(text);
  let plain = "";
  let quote = false;
  for (let at = 0; at < text.length; at++) {
    if (code[at] === '"') quote = !quote;
    plain += quote ? text[at] : code[at];
  }
  return plain.replace(/,(?=\s*[}\]])/g, "");
}
