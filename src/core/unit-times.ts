import { inWaves } from "./order.ts";
import type { Plan } from "./plan.ts";

/** For what is around it: the process itself, the last lines of the log. */
const marginSeconds = 5;

/** `TimeoutStopSec=`: the budget of the plan, and a little for the end of the process. Whole seconds. */
export function stopSeconds({ shutdown }: Pick<Plan, "shutdown">): number {
  return Math.ceil(shutdown.timeout / 1_000) + marginSeconds;
}

/**
 * `TimeoutStartSec=`: all modules are loaded first, within the longest `start_timeout`; then services start wave by wave,
 * each as slow as its slowest. Whole seconds.
 */
export function startSeconds({ services }: Pick<Plan, "services">): number {
  const slowest = inWaves(services).map((wave) => Math.max(...wave.map(({ startTimeout }) => startTimeout)));
  const all = slowest.reduce((sum, ms) => sum + ms, 0);
  return Math.ceil((Math.max(0, ...slowest) + all) / 1_000) + marginSeconds;
}
