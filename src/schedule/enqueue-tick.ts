import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { isPermanent, SupervisorError } from "../core/errors.ts";
import { retryDelay } from "../core/retry-delay.ts";

interface TickTask {
  readonly id: string;
  readonly at: number;
}

/** Tells the task of one planned time from all others, so that a second try makes no second task. */
export function idOfTick(entry: string, at: number): string {
  return `schedule:${entry}:${at}`;
}

/**
 * Resolves when the broker has the task, whoever has put it there. Tries again while the broker is away, until
 * `signal` aborts.
 *
 * @throws SupervisorError TASK_DUPLICATE when `unique` forbids it; what else makes trying again useless
 */
export async function enqueueTick(
  enqueue: (task: TickTask) => Promise<void>,
  task: TickTask,
  { clock, random, signal }: { clock: Clock; random: () => number; signal: AbortSignal },
): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await enqueue(task);
    } catch (error) {
      if (hasCode(error, "TASK_CONFLICT")) return;
      if (signal.aborted || isUseless(error)) throw error;
      await sleep(clock, retryDelay(tries + 1, random()), signal);
      if (signal.aborted) throw error;
    }
  }
}

/** Whether `unique` has kept the task out. */
export function isDuplicate(error: unknown): boolean {
  return hasCode(error, "TASK_DUPLICATE");
}

/** Whether another try would end in the same way. */
export function isUseless(error: unknown): boolean {
  return isPermanent(error) || isDuplicate(error) || hasCode(error, "TASK_INVALID");
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof SupervisorError && error.code === code;
}
