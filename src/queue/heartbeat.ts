import type { Clock } from "../core/clock.ts";
import { retryDelay } from "../core/retry-delay.ts";
import type { Receiver } from "./driver.ts";
import type { Item } from "./item.ts";
import { longestPauseMs } from "./trouble.ts";

export interface HeartbeatOptions {
  readonly receiver: Pick<Receiver, "extend">;
  readonly clock: Clock;
  readonly random: () => number;
  /** Milliseconds. */
  readonly lease: number;
  readonly hand: () => ReadonlySet<Item>;
  readonly lost: (items: readonly Item[]) => void;
  /** After each beat that the broker answered. */
  readonly beaten: () => void;
  /** The broker did not answer, or did again (undefined). */
  readonly trouble: (error: unknown) => void;
}

/**
 * Renews the leases of all that is here each third of their time, also of what waits, and of what is handled while the
 * service stops (asynq's heartbeat.go does the latter too: it ends after the processor).
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  /** When the last renewal began that the broker has confirmed. */
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #isBeating = false;
  #cancel: (() => void) | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Something is here: from now on it beats, until nothing is. */
  wake(): void {
    if (!this.#cancel && !this.#isBeating) this.#arm(this.#options.lease / 3);
  }

  /**
   * Whether the lease of `item` may have run out without a renewal: this process stood still, or the broker is away.
   * Then somebody else may have it, and it must not begin before the broker has said otherwise.
   */
  isStale(item: Item, now: number): boolean {
    return now - Math.max(item.receivedAt, this.#confirmedAt) >= this.#options.lease;
  }

  /** Renews now; does nothing when that is under way. */
  async beat(): Promise<void> {
    if (this.#isBeating) return;
    this.rest();
    const { receiver, clock, hand, lost, lease } = this.#options;
    const items = [...hand()];
    // Whoever told the broker what became of the last one knows how the broker is.
    if (items.length === 0) return this.#well();
    const startedAt = clock.now();
    this.#isBeating = true;
    try {
      const gone = new Set(await receiver.extend(items.map(({ delivery }) => delivery)));
      this.#confirmedAt = startedAt;
      this.#well();
      if (gone.size > 0) lost(items.filter(({ delivery }) => gone.has(delivery)));
    } catch (error) {
      this.#failures++;
      this.#options.trouble(error);
    }
    this.#isBeating = false;
    if (hand().size > 0) this.#arm(this.#failures > 0 ? this.#retryDelay() : lease / 3);
    if (this.#failures === 0) this.#options.beaten();
  }

  /** No timer is left. */
  rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #well(): void {
    if (this.#failures > 0) this.#options.trouble(undefined);
    this.#failures = 0;
  }

  #retryDelay(): number {
    return Math.min(
      this.#options.lease / 3,
      retryDelay(this.#failures, this.#options.random(), longestPauseMs),
    );
  }

  #arm(delay: number): void {
    this.#cancel = this.#options.clock.after(delay, () => {
      this.#cancel = undefined;
      void this.beat();
    });
  }
}
