import { SupervisorError } from "../core/errors.ts";

/** Which file a command is about, and which of its services. */
export interface Target {
  readonly file: string;
  /** Empty is all. */
  readonly only: readonly string[];
}

const isFile = (word: string) => /\.ya?ml$/.test(word);

/**
 * Reads `[services.yaml] [NAME…]`: a first word that ends in .yaml or .yml is the file.
 *
 * @example targetOf(["api"]) // { file: "services.yaml", only: ["api"] }
 */
export function targetOf(positionals: readonly string[]): Target {
  const [first, ...rest] = positionals;
  const target =
    first !== undefined && isFile(first)
      ? { file: first, only: rest }
      : { file: "services.yaml", only: positionals };
  const second = target.only.find(isFile);
  if (second === undefined) return target;
  throw new SupervisorError(
    "USAGE",
    `"${second}" is a second file`,
    "Give one file; --env NAME merges another one over it.",
  );
}
