import type { Clock } from "../core/clock.ts";
import { SupervisorError } from "../core/errors.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { makeWay } from "./bind.ts";
import type { Entry, Listener, ListenerOptions, PreparedListener } from "./listener.ts";
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
  const refusals = await refusedSockets([...groups.values()]);
  const prepared = [...groups].map(([key, entries]) => {
    const listener = refusals.get(entries) ?? prepare({ ...options, entries });
    return { key, listener };
  });
  // In one go, and making nothing in between: see `prepareServer` of Bun's runtime.
  const natives = prepared.map(({ listener }) => attempt(listener.bind, noted));
  const listeners = new Map<string, Listener>();
  for (const [index, { key, listener }] of prepared.entries()) {
    const native = natives[index];
    const opened = native && attempt(() => listener.open(native), noted);
    if (opened) listeners.set(key, opened);
  }
  if (errors.length === 0) return listeners;
  await Promise.all(natives.map((native) => native?.kill()));
  throw problemsOf(errors);
}

/** Sockets that cannot be bound. A thousand ports do not wait for the turns of the loop that this takes. */
async function refusedSockets(
  groups: readonly (readonly Entry[])[],
): Promise<ReadonlyMap<readonly Entry[], PreparedListener>> {
  const refusals = new Map<readonly Entry[], PreparedListener>();
  const ways = groups.flatMap(
    (entries) => makeWay(entries)?.catch((error) => void refusals.set(entries, refusing(error))) ?? [],
  );
  if (ways.length > 0) await Promise.all(ways);
  return refusals;
}

function prepare(options: ListenerOptions): PreparedListener {
  try {
    return prepareListener(options);
  } catch (error) {
    return refusing(error);
  }
}

/** Fails when it is its turn, so that errors come in the order of the file. */
function refusing(error: unknown): PreparedListener {
  const refuse = () => {
    throw error;
  };
  return { bind: refuse, open: refuse };
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
