import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Rung } from "../core/ladder.ts";
import { stopLadder } from "../core/ladder.ts";
import type { ShutdownPlan } from "../core/plan.ts";
import type { Held, ServiceStop } from "../core/report.ts";
import { nothingHeld } from "../core/report.ts";
import type { Child } from "./child.ts";
import type { ChildEnd } from "./ending.ts";
import type { ChildState } from "./state.ts";
import { isAlive } from "./state.ts";

export interface TeardownOptions {
  /** Every child, with its state when the stop began. */
  readonly states: ReadonlyMap<Child, ChildState>;
  readonly shutdown: ShutdownPlan;
  readonly clock: Clock;
  /** Clock time at which the stop began. */
  readonly since: number;
  readonly begun: (child: Child, turn: Turn) => void;
  readonly stopped: (child: Child, stop: ServiceStop) => void;
}

/** When one service may stop, in milliseconds since the stop began. */
export interface Turn {
  readonly startedMs: number;
  readonly deadlineMs: number;
}

/**
 * Stops the children in the exact reverse of the order in which they started, each with a deadline out of
 * one budget, so that one that hangs cannot starve the rest. (go-zero stopped in reverse until one blocking
 * Stop used up everybody's time, and gave the order up: core/service/servicegroup.go, PR 4531.)
 */
export async function teardown(options: TeardownOptions): Promise<ServiceStop[]> {
  const children = [...options.states.keys()];
  const byName = new Map(children.map((child) => [child.member.name, child]));
  const started = children.sort(byFirstStart).map((child) => child.member);
  const { rungs } = stopLadder(started, options.shutdown, started);
  const turns = new Map<string, Promise<ServiceStop>>();
  for (const rung of rungs) {
    const before = Promise.all(rung.after.map((name) => turns.get(name)));
    const child = byName.get(rung.service) as Child;
    turns.set(
      rung.service,
      before.then(() => stopOne(child, rung, options)),
    );
  }
  return Promise.all(turns.values());
}

/** Reports are read by people: a tenth of a millisecond is as fine as it gets. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The turns of a strict teardown: the reverse of the first starts. */
export function byTurn(a: Child, b: Child): number {
  return byFirstStart(b, a);
}

/** What was never started comes last, so its turn to be released comes first. */
function byFirstStart(a: Child, b: Child): number {
  return (a.startedAs ?? Number.MAX_SAFE_INTEGER) - (b.startedAs ?? Number.MAX_SAFE_INTEGER);
}

async function stopOne(child: Child, rung: Rung, options: TeardownOptions): Promise<ServiceStop> {
  const { clock, since } = options;
  const startedMs = clock.now() - since;
  const budget = Math.max(0, Math.min(rung.timeout, rung.latestEnd - startedMs));
  const turn = { startedMs: tenths(startedMs), deadlineMs: tenths(startedMs + budget) };
  options.begun(child, turn);
  const before = options.states.get(child) as ChildState;
  const { failure } = child;
  const end = afterAll(await child.stop(budget), child, before);
  const leftBehind = child.strays.filter(
    ({ generation }) => !end.abandoned || generation !== before.generation,
  );
  const error = end.error === undefined ? lastError(before, failure) : messageOf(end.error);
  const held = heldAtEnd(end);
  const stop: ServiceStop = {
    service: child.member.name,
    generation: before.generation,
    outcome: outcomeOf(child, before, end),
    startedMs: turn.startedMs,
    durationMs: tenths(clock.now() - since - startedMs),
    deadlineMs: turn.deadlineMs,
    ...(error === undefined ? {} : { error }),
    ...(held ? { held } : {}),
    ...(end.ended ? { ended: end.ended } : {}),
    ...(leftBehind.length > 0 ? { leftBehind } : {}),
  };
  options.stopped(child, stop);
  return stop;
}

/** It may have been recovering when the stop began, and its time have run out before its turn came. */
function afterAll(end: ChildEnd, child: Child, before: ChildState): ChildEnd {
  const stray = child.strays.find(({ generation }) => generation === before.generation);
  return stray && isAlive(before) ? { ...end, abandoned: true, held: end.held ?? stray.held } : end;
}

function outcomeOf(child: Child, before: ChildState, end: ChildEnd): ServiceStop["outcome"] {
  if (end.abandoned) return "abandoned";
  if (before.tag === "completed") return "completed";
  if (child.startedAs === undefined) return "unstarted";
  if (before.tag === "failed" || "delay" in before) return "gone";
  return end.error === undefined ? "stopped" : "failed";
}

/** One that was stopped while it was tried again has the failure of its last try. */
function lastError(state: ChildState, failure: unknown): string | undefined {
  const error = "error" in state ? state.error : state.tag === "completed" ? undefined : failure;
  return error === undefined ? undefined : messageOf(error);
}

function heldAtEnd(end: ChildEnd): Held | undefined {
  if (end.held) return end.held;
  return end.cutStreams > 0 ? { ...nothingHeld, streams: end.cutStreams } : undefined;
}
