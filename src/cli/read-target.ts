import { readPlan } from "../config/read-plan.ts";
import type { Plan } from "../core/plan.ts";
import { targetOf } from "./target.ts";
import type { Terminal } from "./terminal.ts";
import { unreadCredentials } from "./unread-credentials.ts";

/**
 * The plan that a command line names, without loading any module. Credentials that are not here are told on standard
 * error, and stop nobody.
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
    lenient: "credentials" as const,
    cron: () => import("../schedule/cron.ts"),
    ...(env === undefined ? {} : { env }),
  };
  const { plan, lacking } = await readPlan(request);
  for (const sentence of unreadCredentials(lacking)) terminal.err(`supervisor: ${sentence}\n`);
  return plan;
}
