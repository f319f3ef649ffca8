import { resolve } from "node:path";
import { SupervisorError } from "../core/errors.ts";
import { sealed } from "../core/sealed.ts";

/** Which file a command is about, and which of its services. */
export interface Target {
  readonly file: string;
  /** Empty is all. */
  readonly only: readonly string[];
}

/** No service has a slash in its name. */
const isFile = (word: string) => /\.ya?ml$|[/\\]/.test(word);

/**
 * Reads `[services.yaml] [NAME…]`: a first word that ends in .yaml or .yml, or is a path, is the file.
 *
 * @example targetOf(["api"]) // { file: "services.yaml", only: ["api"] }
 */
export function targetOf(positionals: readonly string[]): Target {
  const [first, ...rest] = positionals;
  const usual = sealed()?.path ?? "services.yaml";
  const target =
    first !== undefined && isFile(first) ? { file: first, only: rest } : { file: usual, only: positionals };
  if (first !== undefined && target.file === first) refuseFile(first);
  const second = target.only.find(isFile);
  if (second === undefined) return target;
  throw new SupervisorError(
    "USAGE",
    `"${second}" is a second file`,
    "Give one file; --env NAME merges another one over it.",
  );
}

/** The file that a command is about when nobody names one; a sealed executable knows no other. */
export function usualFile(cwd: string): string {
  return sealed()?.path ?? resolve(cwd, "services.yaml");
}

/** @throws SupervisorError USAGE in a sealed executable: what `file` says could not be loaded. */
export function refuseFile(file: string): void {
  const inside = sealed();
  if (!inside) return;
  throw new SupervisorError(
    "USAGE",
    `"${file}" cannot be used: this executable runs the ${inside.file} that is inside it`,
    "Leave the file out; to run another one, take the supervisor itself.",
  );
}
