import { messageOf } from "../core/errors.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { Member } from "./host.ts";
import type { ChildState } from "./state.ts";
import { isHeldBack, isOver } from "./state.ts";

/** What a snapshot of one service is made from. */
export interface ChildFacts {
  readonly member: Member;
  readonly state: ChildState;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Since it was last stable. */
  readonly failures: number;
  readonly startedAs: number | undefined;
  readonly isPaused: boolean;
  /** The number of the generation that comes up beside the serving one. */
  readonly replacing: number | undefined;
  /** What became of the last try to replace it. */
  readonly note: string | undefined;
  /** What a service still waits for, in words. Only asked of one that waits. */
  readonly unmet: (member: Member) => readonly string[];
}

export function snapshotOf(facts: ChildFacts): ServiceSnapshot {
  const { member, state, since, failures, startedAs, replacing, note } = facts;
  const reason = reasonOf(facts);
  // Not by spreading: on the way to ready there are four of these for each service.
  const snapshot: Writable<ServiceSnapshot> = {
    name: member.name,
    state: state.tag,
    generation: state.generation,
    critical: member.critical,
    since,
    failures,
  };
  if (startedAs !== undefined) snapshot.startedAs = startedAs;
  if (reason) snapshot.reason = reason;
  if ("delay" in state) snapshot.retryAt = since + state.delay;
  if (facts.isPaused) snapshot.paused = true;
  if (replacing !== undefined) snapshot.replacing = replacing;
  if (isHeldBack(state)) snapshot.stoppedBy = "operator";
  if (note !== undefined) snapshot.note = note;
  return snapshot;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function reasonOf({ state, member, unmet }: ChildFacts): string | undefined {
  if ("error" in state) return state.error === undefined ? undefined : messageOf(state.error);
  if (state.tag === "unhealthy") return state.reason;
  if (state.tag === "stopping" && state.goal.tag === "recover") return messageOf(state.goal.error);
  if (state.tag !== "pending" || isOver(state)) return undefined;
  const needs = unmet(member);
  return needs.length > 0 ? `waits for ${needs.join(", ")}` : undefined;
}
