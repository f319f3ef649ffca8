import type { Clock } from "../core/clock.ts";
import { SupervisorError } from "../core/errors.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Entry, Listener } from "./listener.ts";
import { prepareListener } from "./listener.ts";

export interface BindAllOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly isStopping: () => boolean;
}

/**
 * A listener for each address of `groups`, by the same keys; no door knows of them yet.
 * Rejects with a ProblemsError that holds all bind errors; then none of them is bound.
 */
export async function bindAll(
  groups: ReadonlyMap<string, readonly Entry[]>,
  options: BindAllOptions,
): Promise<Map<string, Listener>> {
  const errors: unknown[] = [];
  const noted = (error: unknown): undefined => void errors.push(error);
  const preparing = [...groups.values()].map((entries) => prepareListener({ ...options, entries }));
  const prepared = await Promise.allSettled(preparing);
  // In one go, and making nothing in between: see `prepareServer` of Bun's runtime.
  const natives = prepared.map((result) =>
    result.status === "fulfilled" ? attempt(result.value.bind, noted) : noted(result.reason),
  );
  const listeners = new Map<string, Listener>();
  for (const [index, key] of [...groups.keys()].entries()) {
    const [result, native] = [prepared[index], natives[index]];
    if (result?.status !== "fulfilled" || !native) continue;
    const listener = attempt(() => result.value.open(native), noted);
    if (listener) listeners.set(key, listener);
  }
  if (errors.length === 0) return listeners;
  await Promise.all(natives.map((native) => native?.kill()));
  throw problemsOf(errors);
}

function attempt<T>(work: () => T, failed: (error: unknown) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    failed(error);
    return undefined;
  }
}

/** An error that is no bind error is a defect, and must not be hidden among those. */
function problemsOf(errors: readonly unknown[]): unknown {
  const problems = errors.filter((error) => error instanceof SupervisorError);
  return problems.length === errors.length
    ? new ProblemsError(problems)
    : errors.find((error) => !(error instanceof SupervisorError));
}
