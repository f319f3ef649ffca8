import type { RatePlan } from "../core/plan.ts";

/**
 * Token bucket that holds `rate` tokens and gets as many each `per` milliseconds. The clock is an argument.
 */
export class Bucket {
  readonly #plan: RatePlan;
  #tokens: number;
  #at: number;

  constructor(plan: RatePlan, now: number) {
    this.#plan = plan;
    this.#tokens = plan.rate;
    this.#at = now;
  }

  /** How many may begin now. */
  allows(now: number): number {
    this.#refill(now);
    // What rounding took away would cost a turn of a timer.
    return Math.floor(this.#tokens + 1e-6);
  }

  take(count: number): void {
    this.#tokens -= count;
  }

  /** When the next one may begin; `now` when it may at once. */
  nextAt(now: number): number {
    if (this.allows(now) >= 1) return now;
    return now + ((1 - this.#tokens) * this.#plan.per) / this.#plan.rate;
  }

  #refill(now: number): void {
    const { rate, per } = this.#plan;
    this.#tokens = Math.min(rate, this.#tokens + (Math.max(0, now - this.#at) * rate) / per);
    this.#at = now;
  }
}

/** One bucket for each key, for as long as it is not full again. */
export class KeyBuckets {
  readonly #plan: RatePlan;
  /** The longest unused first. */
  readonly #buckets = new Map<string, { bucket: Bucket; usedAt: number }>();

  constructor(plan: RatePlan) {
    this.#plan = plan;
  }

  get size(): number {
    return this.#buckets.size;
  }

  nextAt(key: string, now: number): number {
    return this.#buckets.get(key)?.bucket.nextAt(now) ?? now;
  }

  take(key: string, now: number): void {
    this.forgetFull(now);
    const entry = this.#buckets.get(key) ?? { bucket: new Bucket(this.#plan, now), usedAt: now };
    entry.bucket.allows(now);
    entry.bucket.take(1);
    entry.usedAt = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, entry);
  }

  /** A bucket that nobody used for `per` is full: one that does not exist says the same. */
  forgetFull(now: number): void {
    for (const [key, { usedAt }] of this.#buckets) {
      if (now - usedAt < this.#plan.per) return;
      this.#buckets.delete(key);
    }
  }
}
