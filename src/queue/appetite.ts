export interface AppetiteFacts {
  /** How many more may be here. */
  readonly room: number;
  /** Messages that wait and could start. */
  readonly startable: number;
  /** How many could begin at once, if they were here. */
  readonly idle: number;
  /** Whether the broker is being told what became of some: its answer makes room. */
  readonly isSettling: boolean;
  readonly now: number;
}

/**
 * How many messages to ask for: enough that no slot is ever without one, few enough that what is here is begun soon, for
 * others cannot have it meanwhile. It doubles while slots ran out of work although there was more, and halves when what
 * was asked for lasted longer than a second. It asks in big bites: a call costs the same for one message as for many. So
 * where there is little room but more is about to come it waits for that: little bites would never grow again. A large
 * stock comes in two bites: the broker is busy with the one while the other is handled.
 */
export class Appetite {
  readonly #least: number;
  readonly #most: number;
  #stock: number;
  #askedAt: number | undefined;

  /** `slots`: how many messages can be handled at once. */
  constructor(slots: number, buffer: number) {
    this.#most = Math.max(1, buffer);
    this.#least = Math.min(slots, this.#most);
    this.#stock = this.#least;
  }

  /** How many shall wait here when all slots are taken. */
  get stock(): number {
    return this.#stock;
  }

  want({ room, startable, idle, isSettling, now }: AppetiteFacts): number {
    const lack = Math.min(room, this.#stock - startable + idle);
    if (lack <= 0) return 0;
    const isHungry = startable === 0 && idle > 0;
    if ((!isHungry || isSettling) && lack * 2 < this.#stock) return 0;
    if (this.#askedAt !== undefined && now - this.#askedAt > 1_000)
      this.#stock = Math.max(this.#least, this.#stock >> 1);
    this.#askedAt = now;
    return Math.min(lack, Math.max(this.#least * 2, Math.ceil(this.#stock / 2)));
  }

  /** A call has ended; `startable` is what there was before. */
  received(count: number, wanted: number, startable: number): void {
    if (count >= wanted && startable === 0) this.#stock = Math.min(this.#most, this.#stock * 2);
  }
}
