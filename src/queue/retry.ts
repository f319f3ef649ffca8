import { formatDuration } from "../core/duration.ts";
import { messageOf } from "../core/errors.ts";
import type { ConsumePlan } from "../core/plan.ts";
import type { Delivery } from "./driver.ts";
import type { Decision } from "./item.ts";

export interface Failure {
  readonly error: string;
  /** How long until the next attempt; absent: the backoff. */
  readonly delay?: number;
  /** @default true */
  readonly counts?: boolean;
  /** Trying again is useless. */
  readonly isPermanent?: boolean;
}

export interface FailureFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: number;
}

/** So often may a process die while it handles the same message. */
const mostCrashes = 5;
/** From here on it has run at one of the deaths, and it is to be found out whether it was the one, or only ran beside it. */
const suspectCrashes = 2;
/** From here on a process does first for a while what else there is. */
const graveCrashes = 3;
/** The broker shows it in lists: a stack of a megabyte helps nobody. */
const longestError = 2_000;
const minute = 60_000;

/**
 * What becomes of a message whose attempt has failed. As in asynq (processor.go, handleFailedMessage): archived when it
 * was tried again `maxRetry` times, or when that is useless; unlike there, a task with a deadline is not tried again
 * beyond it. Of the task's limit and the consumer's the lower one holds.
 */
export function afterFailure(
  delivery: Delivery,
  retry: ConsumePlan["retry"],
  failure: Failure,
  { now, random }: FailureFacts,
): Decision {
  const { deadline, retried } = delivery;
  const counts = failure.counts ?? true;
  const error = failure.error.slice(0, longestError);
  if (failure.isPermanent) return { tag: "dead", error };
  if (deadline > 0 && now >= deadline) return { tag: "dead", error: `its deadline has passed: ${error}` };
  if (counts && retried >= mostRetries(delivery, retry)) return { tag: "dead", error };
  const delay = failure.delay ?? backoff(retry.backoff, retried + 1, random);
  return { tag: "retry", at: now + delay, error, counts };
}

/** Why a message is not even tried; undefined: it is. */
export function beforeAttempt({ deadline, crashes }: Delivery, now: number): Decision | undefined {
  if (crashes >= mostCrashes) {
    return { tag: "dead", error: `the process died ${crashes} times while it was handled` };
  }
  if (deadline > 0 && now >= deadline) {
    return {
      tag: "dead",
      error: `its deadline passed ${formatDuration(now - deadline)} before it could begin`,
    };
  }
  return undefined;
}

/**
 * Whether it ran in so many processes that died that it may be the cause. All that ran with it has crashed with it: which one
 * it was shows only when the others that may be it do not run.
 */
export function isSuspect({ crashes }: Delivery): boolean {
  return crashes >= suspectCrashes && crashes < mostCrashes;
}

/** Whether one that is suspect has probably been the cause. */
export function isGrave({ crashes }: Delivery): boolean {
  return crashes >= graveCrashes;
}

/** It waits for its turn among the suspects; that spends no attempt. */
export function putOff({ crashes }: Delivery, at: number): Decision {
  const error = `the process died ${crashes} times while it was there: such tasks run one at a time`;
  return { tag: "retry", at, error, counts: false };
}

/** Nobody knows the type yet: it is parked, for a deploy that does, and looked at ever less often. */
export function park({ type, enqueuedAt }: Delivery, now: number): Decision {
  const waited = now - enqueuedAt;
  const delay =
    waited < minute
      ? minute
      : waited < 6 * minute
        ? 5 * minute
        : waited < 21 * minute
          ? 15 * minute
          : 60 * minute;
  const error = `NO_HANDLER: the service has no entry for "${type}" in tasks, and no consume()`;
  return { tag: "retry", at: now + delay, error, counts: false };
}

/** Whether what was thrown says that trying again is useless. Recognised by name: a copy of the class counts too. */
export function isPermanentFailure(error: unknown): boolean {
  try {
    return error instanceof Error && error.name === "PermanentError";
  } catch {
    // It throws when it is looked at: whatever it is, it is no PermanentError.
    return false;
  }
}

/** The one-line form of anything that was thrown, even of what throws itself when it is looked at. */
export function textOf(error: unknown): string {
  try {
    return String(messageOf(error));
  } catch {
    // A getter or proxy of its own.
    return "something that cannot be told was thrown";
  }
}

function mostRetries({ maxRetry }: Delivery, { attempts = Infinity }: ConsumePlan["retry"]): number {
  return Math.min(maxRetry, attempts - 1);
}

/** Anywhere between half of `min` and the bound: those that failed together do not come back together. */
export function backoff(
  { min, max, factor }: ConsumePlan["retry"]["backoff"],
  attempt: number,
  random: number,
): number {
  const bound = Math.min(max, min * factor ** (attempt - 1));
  const floor = Math.min(min / 2, bound);
  return Math.round(floor + random * (bound - floor));
}
