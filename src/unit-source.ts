import type { Lacking } from "./config/lacks.ts";
import type { ReadOptions } from "./config/read-plan.ts";
import { readLoadable, readPlan } from "./config/read-plan.ts";
import type { Plan } from "./core/plan.ts";

export interface UnitSourceOptions extends ReadOptions {
  /** What the unit's own file of variables holds, for a plan of that name; undefined: nobody can tell. */
  readonly environment: (name: string) => Readonly<Record<string, string>> | undefined;
}

/** What a unit is made of. */
export interface UnitSource {
  readonly plan: Plan;
  /** What the file calls `${credential:NAME}`, in its order. */
  readonly credentials: readonly string[];
  /** The variables without a default that somebody has to set, in the order of the file. */
  readonly variables: readonly string[];
  /** Those of them that the unit's own file of variables does not set; absent: nobody can tell. */
  readonly unset?: readonly string[];
}

/**
 * Reads a plan as it will be under systemd: credentials and variables are there, whatever they hold, and what is kept
 * lies in the unit's own folder. What is known of the variables by now counts: from the unit's own file, or from here.
 *
 * @throws ProblemsError with everything that is wrong in the file
 */
export async function readUnitSource({ environment, ...options }: UnitSourceOptions): Promise<UnitSource> {
  const read = { ...options, lenient: "all" } as const;
  const readWith = (variables: ReadOptions["variables"]) =>
    readLoadable({ ...read, variables: { ...givenBySystemd, ...variables } });
  const lackingWith = async (set: ReadOptions["variables"]) => told((await readWith(set)).lacking);
  const { credentials, variables } = await lackingWith({});
  const set = environment((await readWith(options.variables)).plan.name);
  const known = { ...givenBySystemd, ...options.variables, ...set, CREDENTIALS_DIRECTORY: undefined };
  const { plan } = await readPlan({ ...read, variables: known });
  if (set === undefined) return { plan, credentials, variables };
  return { plan, credentials, variables, unset: (await lackingWith(set)).variables };
}

/** What a unit finds in its environment without anybody's doing. */
const givenBySystemd = {
  STATE_DIRECTORY: "/var/lib",
  RUNTIME_DIRECTORY: "/run",
  HOME: "/",
  SHELL: "/bin/sh",
  USER: "nobody",
  LOGNAME: "nobody",
  PATH: "/usr/bin:/bin",
  LANG: "C.UTF-8",
  INVOCATION_ID: "0",
  JOURNAL_STREAM: "0:0",
} as const;

function told({ credentials = [], variables = [] }: Partial<Lacking> = {}): Lacking {
  // Paths that begin with it are the unit's own affair.
  return { credentials, variables: variables.filter((name) => name !== "CREDENTIALS_DIRECTORY") };
}
