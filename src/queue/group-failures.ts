import type { ConsumePlan } from "../core/plan.ts";
import { backoff, textOf } from "./retry.ts";

interface Failed {
  readonly failures: number;
  readonly error: string;
  readonly nextAt: number;
}

/** Groups have names from outside: what is remembered of them has an end. */
const mostRemembered = 1_000;

/** Which groups failed, and when each is tried again: the pauses are those of a message that fails. */
export class GroupFailures {
  readonly #backoff: ConsumePlan["retry"]["backoff"];
  readonly #random: () => number;
  readonly #failed = new Map<string, Failed>();

  constructor(plan: ConsumePlan["retry"], random: () => number) {
    this.#backoff = plan.backoff;
    this.#random = random;
  }

  /** Whether its next try is still to come. */
  isResting(id: string, now: number): boolean {
    return now < (this.#failed.get(id)?.nextAt ?? now);
  }

  /** How long until it is tried again, and whether this error is another one than the last. */
  add(id: string, thrown: unknown, now: number): { readonly wait: number; readonly isNews: boolean } {
    const before = this.#failed.get(id);
    if (!before && this.#failed.size >= mostRemembered) this.#failed.clear();
    const error = textOf(thrown);
    const failures = (before?.failures ?? 0) + 1;
    const wait = backoff(this.#backoff, failures, this.#random());
    this.#failed.set(id, { failures, error, nextAt: now + wait });
    return { wait, isNews: error !== before?.error };
  }

  /** Those that have failed and not been made one since. */
  get size(): number {
    return this.#failed.size;
  }

  /** It was made one. True: it had failed before. */
  forget(id: string): boolean {
    return this.#failed.delete(id);
  }
}
