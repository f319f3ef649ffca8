import type { ConsumePlan } from "../core/plan.ts";
import type { IntakeTarget, ServiceLife } from "../service/intake.ts";
import type { Attempt } from "./attempt.ts";
import type { Handle } from "./handlers.ts";
import { handlerFinder } from "./handlers.ts";
import type { HeapEntry } from "./heap.ts";
import type { Unit } from "./item.ts";

/** One generation of the service at work: who handles messages, and what it has in its hands. */
export interface Crew {
  readonly life: ServiceLife;
  readonly log: IntakeTarget["scope"]["log"];
  /** Undefined: the service knows nothing of this type. */
  readonly find: (type: string) => Handle | undefined;
  readonly isBatch: boolean;
  readonly runs: Set<Run>;
  /** Called when the last of them has ended. */
  onIdle: (() => void) | undefined;
}

/** One call of a handler: with one message, or with a batch. */
export interface Run {
  readonly unit: Unit;
  readonly crew: Crew;
  readonly attempts: readonly Attempt[];
  readonly startedAt: number;
  /** The time-out that ends it, in milliseconds; 0: a deadline comes before, or nothing does. */
  timeout: number;
  /** Its time-out, or the end of the patience with it. */
  timer: HeapEntry<Run> | undefined;
  /** `overdue`: nothing that it says matters any more. */
  phase: "running" | "overdue" | "over";
}

export function createCrew({ life, scope }: IntakeTarget, plan: ConsumePlan): Crew {
  if (!life) throw new Error("A consumer runs where its service lives, and there is none here");
  return {
    life,
    log: scope.log,
    find: handlerFinder(life.service),
    isBatch: plan.batch !== undefined,
    runs: new Set(),
    onIdle: undefined,
  };
}
