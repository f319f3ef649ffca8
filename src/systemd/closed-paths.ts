import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { Plan } from "../core/plan.ts";
import { sealed } from "../core/sealed.ts";

export interface ClosedOptions {
  readonly plan: Plan;
  /** The executable that the unit starts. */
  readonly program: string;
  /** Where relative paths begin. */
  readonly folder: string;
}

/**
 * The files and folders that the user of a system unit may not read, search or start: for that one, who owns nothing, the
 * mode of all others counts. What this user may not look at either is not among them.
 */
export function closedPaths({ plan, program, folder }: ClosedOptions): string[] {
  const files = sealed() ? [] : [plan.file, ...plan.services.map(({ module }) => module)];
  const folders = new Set([...files, program].flatMap((file) => foldersAbove(dirname(file))));
  for (const above of foldersAbove(folder)) folders.add(above);
  return [
    ...[...folders].sort().filter((path) => lacks(path, mayEnter)),
    ...[...new Set(files)].filter((path) => lacks(path, mayRead)),
    ...(lacks(program, mayStart) ? [program] : []),
  ];
}

const mayRead = 0o4;
const mayEnter = 0o1;
const mayStart = 0o1;

function foldersAbove(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [...foldersAbove(above), folder];
}

function lacks(path: string, bit: number): boolean {
  try {
    return (statSync(path).mode & bit) === 0;
  } catch {
    // Not there, or out of sight: nothing is known of its mode, and `check` tells what is missing.
    return false;
  }
}
