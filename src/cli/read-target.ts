import { readPlan } from "../config/read-plan.ts";
import type { Plan } from "../core/plan.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The plan that a command line names, without loading any module.
 *
 * @throws ProblemsError with everything that is wrong in the file
 */
export async function readTarget(
  positionals: readonly string[],
  env: string | undefined,
  terminal: Terminal,
): Promise<Plan> {
  const request = {
    ...targetOf(positionals),
    variables: terminal.variables,
    cron: () => import("../schedule/cron.ts"),
    ...(env === undefined ? {} : { env }),
  };
  return (await readPlan(request)).plan;
}
