import type { RestartPlan } from "../core/plan.ts";

/** What becomes of a generation that has ended by itself. Delays are milliseconds. */
export type Verdict =
  | { readonly tag: "retry"; readonly delay: number }
  /** Given up for now: tried again, one life at a time, ever less often. */
  | { readonly tag: "quarantine"; readonly delay: number }
  | { readonly tag: "giveUp" };

/** What the policy remembers of one service. */
export interface RestartHistory {
  /** Clock times of the failures inside the window. */
  readonly failures: readonly number[];
  /** Failures since the service was last stable: the exponent of the backoff. */
  readonly attempt: number;
  /** Failures since the service was last ready, however long ago. */
  readonly unready: number;
  /** Quarantines since the service was last stable. */
  readonly quarantines: number;
}

export const noFailures: RestartHistory = { failures: [], attempt: 0, unready: 0, quarantines: 0 };

export interface FailureFacts {
  readonly now: number;
  /** The error says itself that another try is useless. */
  readonly permanent: boolean;
  readonly critical: boolean;
  /** 0 ≤ random < 1. */
  readonly random: number;
}

/**
 * Decides after a failure, PER service (suture counts per supervisor, so that one flapping child pauses
 * its siblings; OTP's intensity is per supervisor too). A critical service over its limit is given up,
 * which ends the group; one that is not critical is quarantined. A start that hangs fails too seldom for the window:
 * without having been ready between, failures count however far apart they are.
 */
export function afterFailure(
  plan: RestartPlan,
  history: RestartHistory,
  facts: FailureFacts,
): { history: RestartHistory; verdict: Verdict } {
  const failures = [...history.failures.filter((at) => facts.now - at < plan.within), facts.now];
  const attempt = history.attempt + 1;
  const unready = history.unready + 1;
  const { quarantines } = history;
  const next = { failures, attempt, unready, quarantines };
  if (facts.permanent || plan.policy === "never") return { history: next, verdict: { tag: "giveUp" } };
  if (quarantines === 0 && Math.max(failures.length, unready) <= plan.limit) {
    const delay = jittered(backoffCap(plan, attempt), facts.random);
    return { history: next, verdict: { tag: "retry", delay } };
  }
  if (facts.critical) return { history: next, verdict: { tag: "giveUp" } };
  const delay = quarantineDelay(plan, quarantines);
  return { history: { ...next, quarantines: quarantines + 1 }, verdict: { tag: "quarantine", delay } };
}

/** Decides after `run` resolved: only `always` starts it again. */
export function afterCompletion(plan: RestartPlan): Verdict {
  return plan.policy === "always" ? { tag: "retry", delay: plan.backoff.min } : { tag: "giveUp" };
}

/** What counts again from the moment at which the service is ready: its window of failures stays. */
export function afterReady(history: RestartHistory): RestartHistory {
  return { ...history, unready: 0 };
}

/**
 * Forgets what the backoff and the quarantine grew by, once a generation was ready for `stable`. The
 * window of failures stays, so living just longer than `stable` is no way around the limit.
 */
export function afterStable(history: RestartHistory): RestartHistory {
  return { failures: history.failures, attempt: 0, unready: 0, quarantines: 0 };
}

/** The longest wait before try number `attempt` (from 1). */
export function backoffCap(plan: RestartPlan, attempt: number): number {
  return Math.min(plan.backoff.max, plan.backoff.min * plan.backoff.factor ** (attempt - 1));
}

/** Full jitter above an eighth of the cap: a retry at once would be a busy loop. */
function jittered(cap: number, random: number): number {
  const floor = cap / 8;
  return Math.round(floor + random * (cap - floor));
}

/** What the description of `restart.backoff.max` promises. Doubles from the longest backoff up to ten times that. */
function quarantineDelay(plan: RestartPlan, quarantines: number): number {
  return plan.backoff.max * Math.min(10, 2 ** quarantines);
}
