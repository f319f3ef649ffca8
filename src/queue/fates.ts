import type { Blocks } from "./blocks.ts";
import type { Settlement } from "./driver.ts";
import type { Decision, Item } from "./item.ts";
import type { Lanes } from "./lanes.ts";

/**
 * What messages are settled with, and what that means for the later ones of their lanes. Nothing is settled twice: what
 * has a settlement is fenced.
 */
export class Fates {
  readonly #lanes: Lanes;
  readonly #blocks: Blocks;
  #outgoing: Item[] = [];

  constructor(lanes: Lanes, blocks: Blocks) {
    this.#lanes = lanes;
    this.#blocks = blocks;
  }

  get hasOutgoing(): boolean {
    return this.#outgoing.length > 0;
  }

  /** What is to be settled now, in this order. Each item is returned once. */
  outgoing(): Item[] {
    const items = this.#outgoing;
    this.#outgoing = [];
    return items;
  }

  /**
   * What is held because of it waits for `heir` then, the next one of their lane that is here. The belief ends when the
   * broker has done it: until then nothing may overtake those that it holds.
   */
  end(item: Item, decision: Decision & { readonly tag: "ack" | "dead" }, heir: Item | undefined): void {
    const unblocked = this.#blocks.isBlocker(item)
      ? { unblocks: item.key as string, ...(heir && { heir: heir.delivery }) }
      : undefined;
    this.#settle(item, { delivery: item.delivery, ...decision, ...unblocked });
  }

  /** Later ones of its lane wait for its next attempt. */
  retry(item: Item, decision: Decision & { readonly tag: "retry" }): void {
    const { delivery, key, laneId } = item;
    if (key === undefined) this.#settle(item, { delivery, ...decision });
    else if (this.#blocks.block(item)) this.#settle(item, { delivery, ...decision, blocks: key });
    else this.#hold(item);
    if (laneId === undefined) return;
    for (const follower of this.#lanes.clear(laneId)) this.holdBehind(follower);
  }

  release(item: Item): void {
    this.#settle(item, { tag: "release", delivery: item.delivery });
    this.#blocks.returns(item);
  }

  /** It waits in the broker for the one that blocks its lane: of those that crowd here `first`. */
  holdBehind(item: Item, first?: Item): void {
    // The blocking task itself can be among them: its earlier attempt, timed out or lost, still occupies the lane.
    if (this.#blocks.isBlockedBy(item.laneId as string, item.delivery.id)) this.release(item);
    else this.#hold(item, first);
  }

  /** It may not wait here: its lane is blocked. */
  turnAway(item: Item): void {
    this.#hold(item);
  }

  /** All that wait in the lane of one that comes again do so too, in their order; until then none may overtake them. */
  sendLaneBack(item: Item): void {
    if (item.laneId === undefined) return;
    this.#blocks.await((item.waiting && this.#lanes.peek(item.laneId)) || item);
    for (const other of this.#lanes.clear(item.laneId)) if (other !== item) this.release(other);
  }

  #hold(item: Item, behind?: Item): void {
    const { delivery, key } = item;
    this.#settle(item, {
      tag: "hold",
      delivery,
      key: key as string,
      ...(behind && { behind: behind.delivery }),
    });
    this.#blocks.returns(item);
  }

  #settle(item: Item, settlement: Settlement): void {
    item.fenced = true;
    item.waiting = false;
    item.settlement = settlement;
    this.#outgoing.push(item);
  }
}
