import type { Item, Unit } from "./item.ts";
import { isGrave, isSuspect } from "./retry.ts";

/** What kills a process does so soon, mostly: before this much of its life none that is grave begins while there is anything else. */
const youthMs = 10_000;
/** So long, or a quarter of it, until one that may not begin yet is looked at again. */
const longestPauseMs = 2_000;

/**
 * Whose turn it is among the messages that may kill the process. One is here at a time, beside whatever else runs: if
 * the process dies, no other comes nearer to the archive. The others wait in the broker, for what is here dies, too.
 */
export class Suspects {
  readonly #bornAt: number;
  readonly #isHere: (item: Item) => boolean;
  #guest: Item | undefined;
  #unit: Unit | undefined;

  /** `isHere`: it waits, runs, or its settlement is under way. */
  constructor(now: number, isHere: (item: Item) => boolean) {
    this.#bornAt = now;
    this.#isHere = isHere;
  }

  /** Whether it may stay; one that may is the only one until it has ended. `hasOthers`: something else is to be done. */
  admits(item: Item, now: number, hasOthers: () => boolean): boolean {
    if (!isSuspect(item.delivery) || item === this.#guest) return true;
    if (this.#isTaken()) return false;
    if (isGrave(item.delivery) && now - this.#bornAt < youthMs && hasOthers()) return false;
    this.#guest = item;
    this.#unit = undefined;
    return true;
  }

  /** These begin. */
  began(unit: Unit): void {
    if (this.#guest && unit.items.includes(this.#guest)) this.#unit = unit;
  }

  /** How long one that may not stay waits; 0 ≤ random < 1. */
  pause(random: number): number {
    return Math.round(longestPauseMs * (0.25 + 0.75 * random));
  }

  /** Its handler may go on after its settlement. */
  #isTaken(): boolean {
    if (!this.#guest) return false;
    return this.#isHere(this.#guest) || (this.#unit !== undefined && !this.#unit.freed);
  }
}
