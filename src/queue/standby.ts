import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { retryDelay } from "../core/retry-delay.ts";
import type { Receiver } from "./driver.ts";
import type { Item, Unit } from "./item.ts";
import { longestPauseMs } from "./trouble.ts";

export interface StandbyOptions {
  readonly receiver: Pick<Receiver, "begin">;
  readonly clock: Clock;
  readonly random: () => number;
  /** Asks the broker which leases hold; `acquit` is called when it has answered. */
  readonly beat: () => void;
  /** Nothing keeps it any more, unless its lease has become doubtful meanwhile. */
  readonly ready: (unit: Unit) => void;
  /** The broker did not answer, or did again (undefined). */
  readonly trouble: (error: unknown) => void;
}

/**
 * What was taken and may not begin yet: its lease may have run out, or a process has died that had it, and the broker has to
 * keep first that it begins. Without that all that only waited beside a message that kills would be suspected with it.
 */
export class Standby {
  readonly #options: StandbyOptions;
  readonly #doubtful = new Set<Unit>();
  readonly #telling = new Set<Unit>();
  readonly #told = new WeakSet<Unit>();
  #untold: Unit[] = [];
  #aborter = new AbortController();
  #failures = 0;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#doubtful.size + this.#telling.size;
  }

  /** It waits for the next heartbeat. */
  doubt(unit: Unit): void {
    this.#doubtful.add(unit);
    this.#options.beat();
  }

  /** The broker has said which leases hold. */
  acquit(): void {
    const units = [...this.#doubtful];
    this.#doubtful.clear();
    for (const unit of units) this.#options.ready(unit);
  }

  /** False: it is told that it begins, together with the others of this turn, and is `ready` then. */
  mayBegin(unit: Unit): boolean {
    if (this.#told.has(unit) || !unit.items.some(hasCrashed)) return true;
    this.#telling.add(unit);
    if (this.#untold.push(unit) === 1) void Promise.resolve().then(() => this.#tell(this.#untold.splice(0)));
    return false;
  }

  /** Takes out all of them. */
  clear(): Unit[] {
    const units = [...this.#doubtful, ...this.#telling];
    this.#doubtful.clear();
    this.#telling.clear();
    this.#aborter.abort();
    this.#aborter = new AbortController();
    this.#well();
    return units;
  }

  async #tell(given: readonly Unit[]): Promise<void> {
    const { receiver, clock, random, ready, trouble } = this.#options;
    const { signal } = this.#aborter;
    const units = given.filter((unit) => this.#telling.has(unit));
    if (units.length === 0) return;
    try {
      await receiver.begin(
        units.flatMap(({ items }) => items.filter(hasCrashed)).map((item) => item.delivery),
      );
    } catch (error) {
      // Taken out meanwhile: nobody waits for it any more.
      if (signal.aborted) return;
      this.#failures++;
      trouble(error);
      await sleep(clock, retryDelay(this.#failures, random(), longestPauseMs), signal);
      return this.#tell(units);
    }
    this.#well();
    for (const unit of units) {
      this.#told.add(unit);
      if (this.#telling.delete(unit)) ready(unit);
    }
  }

  /** It is told again, or there is nothing to tell. */
  #well(): void {
    if (this.#failures > 0) this.#options.trouble(undefined);
    this.#failures = 0;
  }
}

function hasCrashed({ delivery, fenced }: Item): boolean {
  return delivery.crashes > 0 && !fenced;
}
