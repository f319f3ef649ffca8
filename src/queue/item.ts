import type { Delivery, NewTask, Payload, Settlement } from "./driver.ts";
import type { HeapEntry } from "./heap.ts";

/** What shall become of a delivery; the dispatch adds what its key needs. */
export type Decision =
  | { readonly tag: "ack"; readonly result?: Payload; readonly next?: NewTask }
  | { readonly tag: "retry"; readonly at: number; readonly error: string; readonly counts: boolean }
  | { readonly tag: "dead"; readonly error: string }
  | { readonly tag: "release" };

/** A delivery that is here, from when it is received until the broker has answered to its settlement. */
export class Item {
  readonly delivery: Delivery;
  /** What orders it, in its queue. */
  readonly key: string | undefined;
  /** The key with its queue: what the dispatch tells lanes apart by. */
  readonly laneId: string | undefined;
  /** The payload as JSON, when it had to be read for the key. */
  readonly parsed: unknown;
  readonly receivedAt: number;
  /** Its number among all that were received. */
  place = 0;
  /** It waits to be started. */
  waiting = true;
  /** Nothing that its handler says matters any more: it is decided, or its lease is lost. */
  fenced = false;
  settlement: Settlement | undefined = undefined;
  /** Where it waits or runs; undefined without a key. */
  lane: Lane | undefined = undefined;
  /** Those of its lane that began together with it, in one batch; undefined when it is alone. */
  cohort: Cohort | undefined = undefined;
  /** The next one in its lane. */
  next: Item | undefined = undefined;
  /** Since when it could start. */
  readyAt = 0;
  /** Why it goes back. */
  belief: Belief | undefined = undefined;

  constructor(
    delivery: Delivery,
    receivedAt: number,
    key?: string,
    laneId: string | undefined = key,
    parsed?: unknown,
  ) {
    this.delivery = delivery;
    this.receivedAt = receivedAt;
    this.key = key;
    this.laneId = laneId;
    this.parsed = parsed;
  }
}

/** What takes one slot: a message, or a batch of them. */
export interface Unit {
  readonly items: readonly Item[];
  /** The slot was given back. */
  freed: boolean;
}

/**
 * Those of one lane in one batch. What becomes of a later one depends on the earlier ones, whichever is decided first: it
 * is told when all are decided.
 */
export interface Cohort {
  /** At least two, in their order. */
  readonly items: readonly Item[];
  readonly decisions: Map<Item, Decision>;
  /** Of how many nothing is known. */
  open: number;
  /** The first one whose lease was lost: it comes again. */
  lost: Item | undefined;
  /** The lane goes on when the broker has answered to these. */
  readonly awaited: Set<Item>;
  /** The slot was given back. */
  isFreed: boolean;
}

/** That later ones of a lane have to wait for the task `by`. A new one each time it begins. */
export interface Belief {
  readonly by: string;
  /** The broker knows nothing of it: the task went back and will come again before the later ones. */
  readonly isLocal: boolean;
  /** That of the task when it went back. */
  readonly place: number;
  /** Which call that receives was under way when one of the lane went back last; 0: none. */
  asked: number;
  /** It has not failed: it takes long, and later ones were too many to wait here. */
  readonly isSlow: boolean;
}

/** The messages of one key that wait, in their order. It is there only while there are some, or one runs. */
export interface Lane {
  readonly id: string;
  head: Item | undefined;
  tail: Item | undefined;
  count: number;
  isBusy: boolean;
  /** The first one of those that began last, while the lane is busy. */
  running: Item | undefined;
  /** Its rate is used up until then. */
  delayed: HeapEntry<Lane> | undefined;
}
