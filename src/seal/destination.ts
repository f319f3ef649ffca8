import type { Stats } from "node:fs";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SupervisorError } from "../core/errors.ts";
import { writeError } from "../core/write-error.ts";
import { isDenoEntry } from "./deno-entry.ts";
import { fits, readHeader } from "./executable-header.ts";

/**
 * That nothing is lost when an executable is written to `outfile`: it is none of `inputs`, by whatever name, and what is there
 * is an executable, too, or empty.
 *
 * @throws SupervisorError USAGE
 */
export function assertReplaceable(outfile: string, inputs: readonly string[]): void {
  const there = statOf(outfile);
  // A folder in the way is told of when it is written to.
  if (!there || there.isDirectory()) return;
  const input = inputs.find((path) => isSame(statOf(path), there));
  if (input !== undefined) {
    throw usage(`${outfile} is what the executable is made of: it would be overwritten`, otherPlace);
  }
  if (there.isFile() && (there.size === 0 || readHeader(outfile))) return;
  throw usage(`${outfile} is there already, and is no executable`, `Move it away, or ${lower(otherPlace)}`);
}

/**
 * That only files of ours are overwritten in the folder `out`: it is absent, empty, or was made by `build --deno`.
 *
 * @throws SupervisorError USAGE
 */
export function assertOwnFolder(out: string): void {
  const there = statOf(out);
  if (!there) return;
  if (!there.isDirectory()) throw usage(`${out} is a file, not a folder`, otherPlace);
  if (readdirSync(out).length === 0 || isDenoEntry(textOf(join(out, "main.ts")))) return;
  throw usage(`${out} has files in it that "supervisor build --deno" has not made`, otherPlace);
}

/**
 * That `runtime` is an executable for `target`.
 *
 * @throws SupervisorError USAGE
 */
export function assertFits(runtime: string, target: string): void {
  const hint = `Give the supervisor for ${target}, or Bun of the same version for it.`;
  const there = statOf(runtime);
  if (!there) throw usage(`--runtime ${runtime} does not exist`, hint);
  const header = there.isFile() ? readHeader(runtime) : undefined;
  if (!header) throw usage(`--runtime ${runtime} is no executable`, hint);
  if (fits(header, target)) return;
  throw usage(`--runtime ${runtime} is an executable for ${header.target}, not for ${target}`, hint);
}

const otherPlace = "Name another place with -o.";

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw writeError("the executable", path, error);
  }
}

function isSame(one: Stats | undefined, other: Stats): boolean {
  return one !== undefined && one.ino === other.ino && one.dev === other.dev;
}

function textOf(file: string): string {
  return statOf(file)?.isFile() ? readFileSync(file, "utf8") : "";
}

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}
