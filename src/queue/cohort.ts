import type { Cohort, Decision, Item } from "./item.ts";

/** What becomes of those that go back is told when the broker has answered to those that are over. */
export interface Fate {
  readonly over: readonly (readonly [Item, Ended])[];
  /** In their order. */
  readonly back: readonly (readonly [Item, Returning])[];
}

type Ended = Decision & { readonly tag: "ack" | "dead" };
type Returning = Decision & { readonly tag: "retry" | "release" };

/** Tells each of these, which begin together, who of its lane begins with it. */
export function formCohorts(items: readonly Item[]): void {
  const lanes = Map.groupBy(
    items.filter(({ lane }) => lane),
    ({ lane }) => lane,
  );
  for (const mates of lanes.values()) {
    if (mates.length < 2) continue;
    const cohort: Cohort = {
      items: mates,
      decisions: new Map(),
      open: mates.length,
      lost: undefined,
      awaited: new Set(),
      isFreed: false,
    };
    for (const item of mates) item.cohort = cohort;
  }
}

/** Which one later ones of the lane can wait for; undefined: none is certain to come before them. */
export function firstOf({ items, lost }: Cohort): Item | undefined {
  return lost ? undefined : items.find(({ settlement }) => !settlement);
}

/** True: now something is known of all of them. */
export function decided(cohort: Cohort, item: Item, decision: Decision): boolean {
  cohort.decisions.set(item, decision);
  return --cohort.open === 0;
}

/** Its lease is lost, before or after it was decided. True: now something is known of all of them. */
export function lost(cohort: Cohort, item: Item): boolean {
  if (!cohort.lost || item.place < cohort.lost.place) cohort.lost = item;
  return !cohort.decisions.has(item) && --cohort.open === 0;
}

export function fateOf({ items, decisions }: Cohort): Fate {
  const over: [Item, Ended][] = [];
  const back: [Item, Returning][] = [];
  for (const item of items) {
    const decision = decisions.get(item);
    if (decision?.tag === "retry" || decision?.tag === "release") back.push([item, decision]);
    else if (decision) over.push([item, decision]);
  }
  return { over, back };
}
