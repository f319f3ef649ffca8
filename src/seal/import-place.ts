import { readFileSync } from "node:fs";
import type { Position } from "../core/problem.ts";
import { positionIn } from "../doctor/source-file.ts";

/** Where a file says `specifier`; its first line when it says so in other words. */
export function importPlace(file: string, specifier: string): Position {
  const text = readFileSync(file, "utf8");
  const offset = Math.max(0, text.indexOf(`"${specifier}"`), text.indexOf(`'${specifier}'`)) + 1;
  return positionIn({ file, text }, offset, specifier.length);
}
