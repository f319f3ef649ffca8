import type { Blocks } from "./blocks.ts";
import { decided, fateOf, lost } from "./cohort.ts";
import type { SettleResult } from "./driver.ts";
import type { Fates } from "./fates.ts";
import type { Cohort, Decision, Item } from "./item.ts";
import type { Lanes } from "./lanes.ts";

/** How batches end in which a lane has several messages: they are settled together, and their lane goes on once. */
export class CohortEnds {
  readonly #lanes: Lanes;
  readonly #blocks: Blocks;
  readonly #fates: Fates;

  constructor(lanes: Lanes, blocks: Blocks, fates: Fates) {
    this.#lanes = lanes;
    this.#blocks = blocks;
    this.#fates = fates;
  }

  decide(cohort: Cohort, item: Item, decision: Decision): void {
    if (decided(cohort, item, decision)) this.#conclude(cohort);
  }

  /** Its lease is lost: it comes again, and nothing of its lane may overtake it. */
  lose(cohort: Cohort, item: Item): void {
    const isLast = lost(cohort, item);
    if (cohort.lost) this.#blocks.await(cohort.lost);
    this.#fates.sendLaneBack(item);
    if (isLast) this.#conclude(cohort);
  }

  /** The slot of its batch is free again. */
  free(cohort: Cohort, now: number): void {
    if (cohort.isFreed) return;
    cohort.isFreed = true;
    if (cohort.awaited.size === 0) this.#lanes.free(cohort.items[0] as Item, now);
  }

  /** The broker has answered. */
  answered(cohort: Cohort, item: Item, result: SettleResult, now: number): void {
    if (!cohort.awaited.delete(item)) return;
    if (result === "lost") lost(cohort, item);
    if (cohort.awaited.size > 0) return;
    this.#sendBack(cohort);
    if (cohort.isFreed) this.#lanes.free(item, now);
  }

  /** All of them are decided. Those that go back wait until it is known that none before them comes again. */
  #conclude(cohort: Cohort): void {
    const { over, back } = fateOf(cohort);
    const heir = back[0]?.[0] ?? this.#lanes.peek(cohort.items[0]?.laneId as string);
    for (const [item, decision] of over) {
      this.#fates.end(item, decision, heir);
      if (back.length > 0 || item.settlement?.heir) cohort.awaited.add(item);
    }
    if (cohort.awaited.size === 0) this.#sendBack(cohort);
  }

  /** The first one is tried again, and the others after it; none of them when one before it comes again. */
  #sendBack(cohort: Cohort): void {
    const { back } = fateOf(cohort);
    const [first, ...others] = back;
    if (!first) return;
    const [item, decision] = first;
    const earlier = cohort.lost && cohort.lost.place < item.place ? cohort.lost : undefined;
    if (decision.tag === "retry" && !earlier) {
      this.#fates.retry(item, decision);
      for (const [other] of others) this.#fates.holdBehind(other);
    } else {
      this.#fates.sendLaneBack(earlier ?? item);
      for (const [other] of back) this.#fates.release(other);
    }
  }
}
