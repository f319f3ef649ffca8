import type { Lacks } from "./variables.ts";

/** What a reading did not find, and need not: names, in the order of the file. */
export interface Lacking {
  readonly credentials: readonly string[];
  readonly variables: readonly string[];
}

/** With `variables` they are gathered, too; otherwise one that is not set stays a mistake. */
export function newLacks(variables: boolean): Lacks {
  return { credentials: new Set(), ...(variables ? { variables: new Set<string>() } : {}) };
}

export function joinLacks(all: readonly (Lacks | undefined)[]): Lacking {
  const names = (of: (lacks: Lacks) => Set<string> | undefined) => [
    ...new Set(all.flatMap((lacks) => (lacks ? [...(of(lacks) ?? [])] : []))),
  ];
  return {
    credentials: names(({ credentials }) => credentials),
    variables: names(({ variables }) => variables),
  };
}
