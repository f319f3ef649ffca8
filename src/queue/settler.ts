import type { Clock } from "../core/clock.ts";
import { retryDelay } from "../core/retry-delay.ts";
import type { Receiver, SettleResult } from "./driver.ts";
import type { Item } from "./item.ts";
import { longestPauseMs } from "./trouble.ts";

export interface SettlerOptions {
  readonly receiver: Pick<Receiver, "settle">;
  readonly clock: Clock;
  readonly random: () => number;
  /** What is to be settled now; each is returned once. */
  readonly outgoing: () => Item[];
  readonly settled: (item: Item, result: SettleResult) => void;
  /** After each answer. */
  readonly answered: () => void;
  /** The broker did not answer, or did again (undefined). */
  readonly trouble: (error: unknown) => void;
}

/**
 * Tells the broker what became of messages: one call at a time, and whatever gathers meanwhile goes with the next one.
 * A call that fails is made again until the broker answers: it alone knows whether a lease has run out meanwhile
 * (fencing), so a long outage costs no more attempts than need be. asynq's syncer.go gives up at the lease's end.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #sending: readonly Item[] = [];
  #failures = 0;
  #cancel: (() => void) | undefined;
  #isHopeless = false;
  #waiters: (() => void)[] = [];

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#sending.length === 0;
  }

  /** Sends what there is, unless a call is under way: then it goes with the next one. */
  poke(): void {
    if (this.#sending.length > 0) return;
    this.#sending = this.#options.outgoing();
    if (this.#sending.length > 0) this.#send();
    else for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Resolves when the broker has answered to everything, or there is no hope that it will. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.poke();
    });
  }

  /** The time of the service is over: each call is made once more, and what fails is left to the broker's leases. */
  giveUp(): void {
    this.#isHopeless = true;
    this.#retryNow();
  }

  #send(): void {
    const items = this.#sending;
    // Settlements are there: `outgoing` returns what is decided.
    const settlements = items.map((item) => item.settlement as NonNullable<Item["settlement"]>);
    let answer: Promise<readonly SettleResult[]>;
    try {
      answer = this.#options.receiver.settle(settlements);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (results) => this.#answered(items, results),
      (error) => this.#failed(error),
    );
  }

  #answered(items: readonly Item[], results: readonly SettleResult[]): void {
    this.#sending = [];
    if (this.#failures > 0) this.#options.trouble(undefined);
    this.#failures = 0;
    for (let index = 0; index < items.length; index++) {
      this.#options.settled(items[index] as Item, results[index] ?? "lost");
    }
    this.#options.answered();
    this.poke();
  }

  #failed(error: unknown): void {
    this.#failures++;
    if (this.#isHopeless) {
      const items = [...this.#sending, ...this.#options.outgoing()];
      this.#answered(
        items,
        items.map(() => "lost"),
      );
      return;
    }
    this.#options.trouble(error);
    const { clock, random } = this.#options;
    this.#cancel = clock.after(retryDelay(this.#failures, random(), longestPauseMs), () => {
      this.#cancel = undefined;
      this.#again();
    });
  }

  #retryNow(): void {
    if (!this.#cancel) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#again();
  }

  #again(): void {
    this.#sending = [...this.#sending, ...this.#options.outgoing()];
    this.#send();
  }
}
