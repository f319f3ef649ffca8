import { constants } from "node:os";
import { formatDuration } from "../core/duration.ts";
import { ExitCode } from "../core/exit.ts";
import type { StopCause } from "../core/report.ts";
import type { Loop } from "./loop-watch.ts";

/** What to do now about a stop that main may not be able to do itself. */
export type Verdict =
  | { readonly tag: "wait" }
  /** A signal came that main cannot see: the stop has begun all the same. */
  | { readonly tag: "armed"; readonly signal: string }
  | { readonly tag: "exit"; readonly code: number; readonly why: string };

export interface Stop {
  readonly cause: StopCause;
  /** The same clock as `look`. */
  readonly at: number;
  readonly budgetMs: number;
}

export interface Oversight {
  /** The stop as far as it is known here. */
  readonly stop: Stop | undefined;
  /** Main says that it stops. */
  stopping(stop: Stop): void;
  /** Looks at the time, the loop and the signals (number of the last one, how many) since the process began. */
  look(now: number, loop: Loop, signal: number, signals: number): Verdict;
}

/**
 * Enforces the budget of the stop from outside of main's event loop. While main turns, signals are its own
 * and it gets a little longer than the budget to end by itself; while it is frozen, the first signal begins
 * the stop here, the second one ends the process at once, and the process is gone when the budget is.
 */
export function createOversight(budgetMs: number): Oversight {
  let stop: Stop | undefined;
  let seen = 0;
  let unanswered: { readonly signal: number; readonly at: number } | undefined;
  let lookedAt: number | undefined;

  function look(now: number, loop: Loop, signal: number, signals: number): Verdict {
    // Counted from the last look: the signal came after it, so the budget is never overdrawn.
    if (signals > seen) unanswered ??= { signal, at: lookedAt ?? now };
    seen = signals;
    lookedAt = now;
    if (loop.frozen && seen >= 2) {
      const why = `second ${nameOf(signal)} while the event loop is blocked: exit at once`;
      return { tag: "exit", code: 128 + signal, why };
    }
    if (stop) return afterDeadline(stop, now, loop);
    if (!loop.frozen || !unanswered) return { tag: "wait" };
    const name = nameOf(unanswered.signal);
    stop = { cause: { tag: "signal", signal: name }, at: unanswered.at, budgetMs };
    return { tag: "armed", signal: name };
  }

  return {
    get stop() {
      return stop;
    },
    stopping(told) {
      // A stop that began here counts from its signal, also when main wakes up late and begins its own.
      stop ??= told;
    },
    look,
  };
}

/** Frozen, main will not end by itself, so be early; otherwise it is about to, so be late. */
function afterDeadline({ at, budgetMs }: Stop, now: number, loop: Loop): Verdict {
  const margin = loop.frozen ? -Math.min(100, budgetMs / 10) : Math.min(250, budgetMs / 20);
  if (now - at < budgetMs + margin) return { tag: "wait" };
  const why = `the stop took longer than its budget of ${formatDuration(budgetMs)}: ending the process`;
  return { tag: "exit", code: ExitCode.forced, why };
}

function nameOf(signal: number): string {
  const known = Object.entries(constants.signals).find(([, value]) => value === signal);
  return known?.[0] ?? `signal ${signal}`;
}
