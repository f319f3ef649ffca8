import type { SettleResult } from "./driver.ts";
import type { Belief, Item } from "./item.ts";

interface Lock {
  belief: Belief | undefined;
  /** Messages of the lane that are on their way back to the broker. */
  returning: number;
}

/**
 * Which lanes take nothing: those with a task that is to be tried again, or that takes long, as the broker remembers it
 * (`hold` waits for that), and those with messages on their way back, which what is received meanwhile would overtake.
 *
 * What is received may have been claimed before the broker did what it was told since. So whatever its answers end
 * goes on until the call that was waiting to receive meanwhile has landed; and none begins while something is on its
 * way back.
 */
export class Blocks {
  readonly #locks = new Map<string, Lock>();
  #answered: [Item, SettleResult][] = [];
  #returning = 0;
  #isAsking = false;
  #asks = 0;

  /** Lanes that are locked. */
  get size(): number {
    return this.#locks.size;
  }
  /** Whether nothing may be received. */
  get isReturning(): boolean {
    return this.#returning > 0;
  }

  /** What the broker remembers from before: the task that blocks, by lane. */
  believe(laneId: string, by: string): void {
    this.#lock(laneId).belief = { by, isLocal: false, place: 0, isSlow: false, asked: 0 };
  }

  asked(): void {
    this.#isAsking = true;
    this.#asks++;
  }

  landed(): void {
    this.#isAsking = false;
    for (const [item, result] of this.#answered.splice(0)) this.#apply(item, result);
  }

  /** Whether a message that was received may not wait here. */
  forbids({ laneId, delivery }: Item): boolean {
    if (laneId === undefined) return false;
    const lock = this.#locks.get(laneId);
    if (!lock) return false;
    if (lock.belief?.by !== delivery.id) return true;
    if (!lock.belief.isLocal) return false;
    // Others may have gone back since it was claimed, and come between it and what was claimed with it.
    if (lock.belief.asked === this.#asks) return true;
    // It was only awaited here: from now on its lane keeps the order.
    this.#end(laneId, lock);
    return false;
  }

  /** Later ones wait for this one. False: they wait for an earlier one already. `isSlow`: as in `Belief`. */
  block(item: Item, isSlow = false): boolean {
    const { laneId, delivery } = item;
    if (laneId === undefined) return false;
    const lock = this.#lock(laneId);
    if (lock.belief && lock.belief.by !== delivery.id && !isBefore(item, lock.belief)) return false;
    lock.belief = { by: delivery.id, isLocal: false, place: item.place, isSlow, asked: 0 };
    return true;
  }

  /** Whether its lane waits for one that takes long. */
  isSlow({ laneId }: Item): boolean {
    return laneId !== undefined && this.#locks.get(laneId)?.belief?.isSlow === true;
  }

  /** Until this one comes again, nothing of its lane is taken; the broker knows nothing of it. */
  await(item: Item): void {
    const { laneId, delivery, place } = item;
    if (laneId === undefined) return;
    const lock = this.#lock(laneId);
    const asked = this.#isAsking ? this.#asks : 0;
    if (lock.belief && !isBefore(item, lock.belief)) {
      lock.belief.asked = asked;
      return;
    }
    lock.belief = { by: delivery.id, isLocal: true, place, isSlow: false, asked };
  }

  /** Whether the broker holds later ones because of this one. */
  isBlocker({ laneId, delivery }: Item): boolean {
    const belief = laneId === undefined ? undefined : this.#locks.get(laneId)?.belief;
    return belief !== undefined && !belief.isLocal && belief.by === delivery.id;
  }

  isBlockedBy(laneId: string, taskId: string): boolean {
    return this.#locks.get(laneId)?.belief?.by === taskId;
  }

  /** Goes back to the broker: to be held, or to be received again. */
  returns(item: Item): void {
    if (item.laneId === undefined) return;
    const lock = this.#lock(item.laneId);
    lock.returning++;
    item.belief = lock.belief;
    this.#returning++;
  }

  /** The broker has answered to the settlement of `item`. */
  answered(item: Item, result: SettleResult): void {
    if (item.laneId === undefined || !this.#locks.has(item.laneId)) return;
    if (isReturn(item)) this.#returning--;
    if (result === "settled" && this.#passOn(item)) return;
    if (this.#isAsking) this.#answered.push([item, result]);
    else this.#apply(item, result);
  }

  #apply(item: Item, result: SettleResult): void {
    const laneId = item.laneId as string;
    const lock = this.#locks.get(laneId);
    if (!lock) return;
    if (isReturn(item)) {
      lock.returning--;
      // The broker knows no such block: a later message of the lane would wait for nothing.
      if (result === "released" && lock.belief === item.belief) lock.belief = undefined;
    } else if (result === "settled" && item.settlement?.unblocks !== undefined && this.isBlocker(item)) {
      lock.belief = undefined;
    }
    this.#forget(laneId, lock);
  }

  /** At once: what was claimed before the answer has to wait for the one as for the other. */
  #passOn(item: Item): boolean {
    const heir = item.settlement?.heir;
    if (!heir || !this.isBlocker(item)) return false;
    this.#lock(item.laneId as string).belief = {
      by: heir.id,
      isLocal: false,
      place: 0,
      isSlow: true,
      asked: 0,
    };
    return true;
  }

  #end(laneId: string, lock: Lock): void {
    lock.belief = undefined;
    this.#forget(laneId, lock);
  }

  #lock(laneId: string): Lock {
    let lock = this.#locks.get(laneId);
    if (!lock) {
      lock = { belief: undefined, returning: 0 };
      this.#locks.set(laneId, lock);
    }
    return lock;
  }

  #forget(laneId: string, lock: Lock): void {
    if (!lock.belief && lock.returning === 0) this.#locks.delete(laneId);
  }
}

/** Several of a lane can go back, and be noticed in any order: the first of them is awaited. */
function isBefore(item: Item, belief: Belief): boolean {
  return belief.isLocal && item.place < belief.place;
}

function isReturn({ settlement }: Item): boolean {
  return settlement?.tag === "hold" || settlement?.tag === "release";
}
