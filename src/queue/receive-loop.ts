import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { retryDelay } from "../core/retry-delay.ts";
import type { Delivery, Receiver } from "./driver.ts";
import { longestPauseMs } from "./trouble.ts";

export interface ReceiveLoopOptions {
  readonly receiver: Pick<Receiver, "receive">;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called before the first `receive` of each opening, and again until it does not reject. */
  readonly prepare: () => Promise<void>;
  /** How many to ask for now; 0: none until `poke`. */
  readonly want: () => number;
  /** A call begins. */
  readonly asked: () => void;
  /** It has ended with these, of the `wanted`. */
  readonly received: (deliveries: readonly Delivery[], wanted: number) => void;
  /** The broker did not answer, or did again (undefined). */
  readonly trouble: (error: unknown) => void;
}

/** Asks the broker for messages while it is open: one call at a time, for as many as there is room for. */
export class ReceiveLoop {
  readonly #options: ReceiveLoopOptions;
  #aborter: AbortController | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #isPrepared = false;
  #failures = 0;

  constructor(options: ReceiveLoopOptions) {
    this.#options = options;
  }

  /** It wants nothing until it is poked. */
  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Begins when what an earlier opening left has landed. */
  open(): void {
    if (this.#aborter) return;
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.#running = this.#running.then(() => this.#run(aborter.signal));
  }

  /** Resolves when the last call has landed. */
  shut(): Promise<void> {
    this.#aborter?.abort();
    this.#aborter = undefined;
    this.poke();
    return this.#running;
  }

  /** There may be room now. */
  poke(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#isPrepared = false;
    while (!signal.aborted) {
      const wanted = this.#isPrepared ? this.#options.want() : 1;
      if (wanted > 0) await this.#ask(wanted, signal);
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #ask(wanted: number, signal: AbortSignal): Promise<void> {
    const { receiver, received } = this.#options;
    try {
      if (!this.#isPrepared) {
        await this.#options.prepare();
        this.#isPrepared = true;
        this.#well();
        return;
      }
      this.#options.asked();
      const deliveries = await receiver.receive(wanted, signal);
      this.#well();
      received(deliveries, wanted);
      // It should have waited for one; asking at once would be a busy loop.
      if (deliveries.length === 0) await this.#pause(1, signal);
    } catch (error) {
      received([], wanted);
      this.#failures++;
      this.#options.trouble(error);
      await this.#pause(this.#failures, signal);
    }
  }

  #well(): void {
    if (this.#failures > 0) this.#options.trouble(undefined);
    this.#failures = 0;
  }

  async #pause(failures: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    if (!signal.aborted) await sleep(clock, retryDelay(failures, random(), longestPauseMs), signal);
  }
}
