import type { RatePlan } from "../core/plan.ts";
import { Fifo } from "./fifo.ts";

/** What began at almost the same time; all of it counts until `per` after the last. */
interface Begun {
  readonly since: number;
  at: number;
  count: number;
}

/** So finely is a window divided: that many entries it has at most, however many begin in it. */
const slices = 128;

/** At most `rate` begin in any `per` milliseconds, wherever these are laid. The clock is an argument. */
export class Window {
  readonly #plan: RatePlan;
  readonly #begun = new Fifo<Begun>();
  #last: Begun | undefined;
  #count = 0;

  constructor(plan: RatePlan) {
    this.#plan = plan;
  }

  /** How many may begin now. */
  allows(now: number): number {
    for (
      let first = this.#begun.peek();
      first && now >= first.at + this.#plan.per;
      first = this.#begun.peek()
    ) {
      this.#count -= first.count;
      this.#begun.shift();
      if (first === this.#last) this.#last = undefined;
    }
    return Math.max(0, this.#plan.rate - this.#count);
  }

  take(count: number, now: number): void {
    this.#count += count;
    if (this.#last && now - this.#last.since < this.#plan.per / slices) {
      this.#last.count += count;
      this.#last.at = now;
      return;
    }
    this.#last = { since: now, at: now, count };
    this.#begun.push(this.#last);
  }

  /** When the next one may begin; `now` when it may at once. */
  nextAt(now: number): number {
    if (this.allows(now) >= 1) return now;
    return (this.#begun.peek()?.at ?? now) + this.#plan.per;
  }
}

/** One window for each key, for as long as something of it counts. */
export class KeyWindows {
  readonly #plan: RatePlan;
  /** The longest unused first. */
  readonly #windows = new Map<string, { window: Window; usedAt: number }>();

  constructor(plan: RatePlan) {
    this.#plan = plan;
  }

  get size(): number {
    return this.#windows.size;
  }

  nextAt(key: string, now: number): number {
    return this.#windows.get(key)?.window.nextAt(now) ?? now;
  }

  take(key: string, now: number): void {
    this.forgetEmpty(now);
    const entry = this.#windows.get(key) ?? { window: new Window(this.#plan), usedAt: now };
    entry.window.take(1, now);
    entry.usedAt = now;
    this.#windows.delete(key);
    this.#windows.set(key, entry);
  }

  /** A window in which nothing began for `per` says the same as none. */
  forgetEmpty(now: number): void {
    for (const [key, { usedAt }] of this.#windows) {
      if (now - usedAt < this.#plan.per) return;
      this.#windows.delete(key);
    }
  }
}
