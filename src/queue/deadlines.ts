import type { Clock } from "../core/clock.ts";
import type { HeapEntry } from "./heap.ts";
import { Heap } from "./heap.ts";

/** Many deadlines on one timer of the clock: one for each message would cost more than the message. */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #due: (value: T) => void;
  readonly #heap = new Heap<T>();
  #cancel: (() => void) | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** `due` is called with each value whose time has come. */
  constructor(clock: Clock, due: (value: T) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** `at` is a time of `clock.now()`. */
  add(at: number, value: T): HeapEntry<T> {
    const entry = this.#heap.add(at, value);
    // Those that come later are looked at when the earlier one is due: most are gone by then.
    if (at < this.#armedFor) this.#arm();
    return entry;
  }

  remove(entry: HeapEntry<T>): void {
    // The timer stays: the next one that is added needs it again.
    this.#heap.remove(entry);
  }

  /** Nothing keeps the process alive any more, until something is added. */
  rest(): void {
    if (this.#heap.size === 0) this.#disarm();
  }

  #arm(): void {
    const { first } = this.#heap;
    this.#disarm();
    if (!first) return;
    this.#armedFor = first.at;
    // Timers of some runtimes cannot be longer than this.
    const wait = Math.min(Math.max(0, first.at - this.#clock.now()), 2_147_483_647);
    this.#cancel = this.#clock.after(wait, () => this.#fire());
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #fire(): void {
    this.#disarm();
    const now = this.#clock.now();
    for (let { first } = this.#heap; first && first.at <= now; first = this.#heap.first) {
      this.#heap.remove(first);
      this.#due(first.value);
    }
    this.#arm();
  }
}
