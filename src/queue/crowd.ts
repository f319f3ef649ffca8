import type { Blocks } from "./blocks.ts";
import { firstOf as firstOfCohort } from "./cohort.ts";
import type { Item, Lane } from "./item.ts";
import type { Lanes } from "./lanes.ts";
import { Window } from "./rate.ts";

/** Who waits for longer, while nothing else can be received, goes back; in milliseconds. */
const patienceMs = 1_000;

/**
 * Messages that wait here for others of their keys until there is room for no other key. Of the lane with the most of them
 * the newer half goes back, and so does what comes for it. What comes only to be held is limited: behind a key with a
 * long backlog the broker would do little else.
 */
export class Crowd {
  readonly #lanes: Lanes;
  readonly #blocks: Blocks;
  readonly #passed: Window;

  constructor(lanes: Lanes, blocks: Blocks, buffer: number) {
    this.#lanes = lanes;
    this.#blocks = blocks;
    this.#passed = new Window({ rate: buffer * 10, per: 1_000 });
  }

  /** One was received that may not wait here. */
  passes(item: Item, now: number): void {
    if (this.#blocks.isSlow(item)) this.#passed.take(1, now);
  }

  /** Whether more may be received, only to be held. */
  mayPass(now: number): boolean {
    return this.#passed.allows(now) >= 1;
  }

  /** When time alone makes that possible, or `relieve` find something; `isCrowded`: nothing else can be received. */
  nextAt(isCrowded: boolean, now: number): number | undefined {
    if (!this.mayPass(now)) return this.#passed.nextAt(now);
    const since = isCrowded ? this.#lanes.waitingAfter(now - patienceMs) : undefined;
    return since === undefined ? undefined : since + patienceMs;
  }

  /** What is to be held, and the one of its lane that it waits for; undefined when nobody has waited for long enough. */
  relieve(now: number): { readonly first: Item; readonly items: readonly Item[] } | undefined {
    for (const lane of this.#lanes.waitingSince(now - patienceMs)) {
      const first = firstOf(lane);
      const kept = Math.max(first === lane.head ? 1 : 0, lane.count >> 1);
      if (first && kept < lane.count && this.#blocks.block(first, true)) {
        return { first, items: this.#lanes.cut(lane, kept) };
      }
    }
    return undefined;
  }
}

/**
 * The first one of a lane that others of it can wait for, running or waiting. One that is decided blocks nothing, although
 * its handler goes on.
 */
export function firstOf(lane: Lane | undefined): Item | undefined {
  if (!lane) return undefined;
  const { running, head } = lane;
  const cohort = running?.cohort;
  if (cohort) return firstOfCohort(cohort) ?? (cohort.lost ? undefined : head);
  return running?.fenced === false ? running : head;
}
