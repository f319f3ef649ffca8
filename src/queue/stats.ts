import type { ConsumerStats } from "../core/consumer-stats.ts";
import { bucketOf, newCounts } from "../core/consumer-stats.ts";
import type { SettleResult } from "./driver.ts";
import type { Item } from "./item.ts";

/** Counts what happens; a few additions per message. */
export class Counters {
  #received = 0;
  #done = 0;
  #failed = 0;
  #dead = 0;
  #released = 0;
  #lost = 0;
  readonly #latency = { counts: newCounts(), sum: 0 };
  readonly #duration = { counts: newCounts(), sum: 0 };

  received(count: number): void {
    this.#received += count;
  }

  began({ delivery }: Item, wall: number): void {
    add(this.#latency, wall - delivery.dueAt);
  }

  ended(durationMs: number): void {
    add(this.#duration, durationMs);
  }

  lost(count: number): void {
    this.#lost += count;
  }

  settled({ settlement }: Item, result: SettleResult): void {
    if (result === "lost") {
      this.#lost++;
      return;
    }
    switch (settlement?.tag) {
      case "ack":
        if (result === "archived") this.#dead++;
        else this.#done++;
        break;
      case "retry":
        if (settlement.counts) this.#failed++;
        else this.#released++;
        break;
      case "dead":
        this.#dead++;
        break;
      default:
        this.#released++;
    }
  }

  read(now: Pick<ConsumerStats, "active" | "buffered" | "blockedKeys" | "lag">): ConsumerStats {
    return {
      received: this.#received,
      done: this.#done,
      failed: this.#failed,
      dead: this.#dead,
      released: this.#released,
      lost: this.#lost,
      ...now,
      latency: { counts: [...this.#latency.counts], sum: this.#latency.sum },
      duration: { counts: [...this.#duration.counts], sum: this.#duration.sum },
    };
  }
}

function add(histogram: { counts: number[]; sum: number }, ms: number): void {
  // The clocks of two machines may differ.
  const value = Math.max(0, ms);
  const index = bucketOf(value);
  histogram.counts[index] = (histogram.counts[index] as number) + 1;
  histogram.sum += value;
}
