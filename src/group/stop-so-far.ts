import type { ServiceStop, StopCause, StopReport } from "../core/report.ts";
import type { Child } from "./child.ts";
import type { ChildState } from "./state.ts";
import { isAlive } from "./state.ts";
import type { Turn } from "./teardown.ts";
import { byTurn, tenths } from "./teardown.ts";

/** A stop that is under way. */
export interface StopSoFar {
  readonly cause: StopCause;
  /** Clock time at which it began, and the same as milliseconds since 1970. */
  readonly since: number;
  readonly at: number;
  readonly budgetMs: number;
  /** Every child, with its state when the stop began. */
  readonly states: ReadonlyMap<Child, ChildState>;
  readonly turns: ReadonlyMap<Child, Turn>;
  readonly ended: ReadonlyMap<Child, ServiceStop>;
}

/** The report of a stop that is cut short `now`: whoever has not had the whole of its turn is abandoned. */
export function reportSoFar(stop: StopSoFar, now: number): StopReport {
  const durationMs = tenths(now - stop.since);
  return {
    cause: stop.cause,
    outcome: "forced",
    startedAt: stop.at,
    durationMs,
    budgetMs: stop.budgetMs,
    services: [...stop.states.keys()].sort(byTurn).map((child) => soFar(child, stop, durationMs)),
  };
}

function soFar(child: Child, { states, turns, ended, budgetMs }: StopSoFar, nowMs: number): ServiceStop {
  const known = ended.get(child);
  if (known) return known;
  const before = states.get(child) as ChildState;
  const turn = turns.get(child) ?? { startedMs: nowMs, deadlineMs: budgetMs };
  const { held, strays } = child;
  const leftBehind = strays.filter(({ generation }) => !isAlive(before) || generation !== before.generation);
  return {
    service: child.member.name,
    generation: before.generation,
    outcome: outcomeOf(before),
    startedMs: turn.startedMs,
    durationMs: tenths(nowMs - turn.startedMs),
    deadlineMs: turn.deadlineMs,
    ...(held ? { held } : {}),
    ...(leftBehind.length > 0 ? { leftBehind } : {}),
  };
}

function outcomeOf(before: ChildState): ServiceStop["outcome"] {
  if (isAlive(before)) return "abandoned";
  if (before.tag === "completed") return "completed";
  return before.generation === 0 ? "unstarted" : "gone";
}
