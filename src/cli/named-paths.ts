import { realpathSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { Terminal } from "./terminal.ts";

/*
 * Paths for what outlives the command, as a unit does: a link to the release of today stays the link that the user named,
 * because turning it is how the next release gets there.
 */

/** The working directory as the shell calls it; a process is told only what its links point to. */
export function namedFolder({ cwd, variables }: NamedFrom): string {
  const named = variables.PWD ?? "";
  return isAbsolute(named) && isSamePlace(resolve(named), cwd) ? resolve(named) : cwd;
}

/** The absolute path of `path`. Behind a link `..` is another folder for a shell than for the system: the latter counts. */
export function namedPath(path: string, terminal: NamedFrom): string {
  const named = resolve(namedFolder(terminal), path);
  const real = resolve(terminal.cwd, path);
  return isSamePlace(named, real) ? named : real;
}

/** Where `word` was found, which has started `executable`: as it was typed, or in a folder of PATH. */
export function namedProgram(word: string, executable: string, terminal: NamedFrom): string {
  if (word.includes("/")) return namedPath(word, terminal);
  const folders = (terminal.variables.PATH ?? "").split(":");
  const candidates = folders.map((folder) => namedPath(join(folder || ".", word), terminal));
  return candidates.find((path) => isSamePlace(path, executable)) ?? executable;
}

type NamedFrom = Pick<Terminal, "cwd" | "variables">;

function isSamePlace(one: string, other: string): boolean {
  return one === other || realPath(one) === realPath(other);
}

/** The path itself where nothing is. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there, or behind a folder that this user may not look into: it is itself, and no other's.
    return path;
  }
}
