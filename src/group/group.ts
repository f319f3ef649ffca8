import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { DependencyCondition, ShutdownPlan } from "../core/plan.ts";
import type { LeftBehind, ServiceStop, StopCause, StopReport } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { Child } from "./child.ts";
import type { Member } from "./host.ts";
import type { ChildState } from "./state.ts";
import { isOver } from "./state.ts";
import { reportSoFar } from "./stop-so-far.ts";
import type { Turn } from "./teardown.ts";
import { teardown, tenths } from "./teardown.ts";

export interface GroupOptions {
  readonly members: readonly Member[];
  readonly shutdown: ShutdownPlan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Events;
  /** What a stop does before any service is asked to: the first turn comes when it has resolved. */
  readonly stopping?: () => Promise<void>;
}

export interface Group {
  /** Loads every member, then starts each as soon as its dependencies hold. Calling it after `stop` does nothing. */
  start(): void;
  /** Stops everything in order, once: later calls get the promise of the first. Never rejects. */
  stop(cause: StopCause): Promise<StopReport>;
  /** Resolves when the group has stopped, whoever asked for it. */
  readonly ended: Promise<StopReport>;
  snapshots(): ServiceSnapshot[];
  /**
   * The report of the stop as if it ended now: who has not stopped is abandoned, with what it holds. The final
   * one once there is one, undefined before a stop has begun.
   */
  report(): StopReport | undefined;
}

/**
 * Supervises services: concurrent start along the dependencies, restarts per service, one ordered stop.
 * Decides nothing about a single service (`state.ts`, `restart.ts` do) and knows nothing of files or HTTP.
 */
export function createGroup(options: GroupOptions): Group {
  const { clock, events, shutdown } = options;
  const children = new Map<string, Child>();
  const dependents = dependentsOf(options.members);
  const settled = new Set<string>();
  const unloaded = new Set(options.members.map((member) => member.name));
  const ended = Promise.withResolvers<StopReport>();
  let starts = 0;
  let startedAt = clock.now();
  let stopping: Promise<StopReport> | undefined;
  let announced = false;
  let reportNow: (() => StopReport) | undefined;

  for (const member of options.members) {
    children.set(
      member.name,
      new Child({
        member,
        clock,
        random: options.random,
        changed,
        failed,
        abandoned,
        unmet: (of) => unmet(children, of),
      }),
    );
  }

  function start(): void {
    if (stopping) return;
    startedAt = clock.now();
    events.emit({ type: "groupStarting", services: children.size });
    for (const child of children.values()) child.load();
    if (children.size === 0) void stop({ tag: "completed" });
  }

  function changed(child: Child, from: ChildState): void {
    events.emit({ type: "serviceChanged", from: from.tag, snapshot: child.snapshot });
    const { name } = child.member;
    const { tag } = child.state;
    if (from.tag === "loading" && unloaded.delete(name) && unloaded.size === 0) beginAll();
    else if (tag === "pending") tryBegin(child);
    for (const dependent of dependents.get(name) ?? []) tryBegin(children.get(dependent) as Child);
    if (stopping) return;
    if (tag === "failed" && child.member.critical) void stop(failureOf(child));
    else settle(child);
  }

  function failed(child: Child, generation: number, error: unknown): void {
    events.emit({ type: "serviceFailed", service: child.member.name, generation, error });
  }

  function abandoned(child: Child, { generation, held }: LeftBehind, allowedMs: number): void {
    events.emit({ type: "generationAbandoned", service: child.member.name, generation, held, allowedMs });
  }

  /** No service starts before every `init` has been tried: one may prepare what others need. */
  function beginAll(): void {
    for (const child of children.values()) tryBegin(child);
  }

  function tryBegin(child: Child): void {
    if (stopping || unloaded.size > 0 || child.state.tag !== "pending" || child.state.generation === 0)
      return;
    const gone = Object.keys(child.member.dependsOn).find((name) => isGone(children, child.member, name));
    if (gone !== undefined) {
      child.fail(dependencyFailed(child.member.name, gone));
      return;
    }
    if (unmet(children, child.member).length > 0) return;
    child.startedAs ??= starts++;
    child.begin();
  }

  function settle(child: Child): void {
    const { tag } = child.state;
    const settles = tag === "ready" || tag === "quarantined" || isOver(child.state);
    if (settles) settled.add(child.member.name);
    if (!announced && settled.size === children.size) {
      announced = true;
      const unready = [...children.values()]
        .filter((each) => !isWell(each.state))
        .map((each) => each.member.name);
      events.emit({ type: "groupReady", durationMs: clock.now() - startedAt, unready });
    }
    if (isOver(child.state) && [...children.values()].every((each) => isOver(each.state))) {
      void stop({ tag: "completed" });
    }
  }

  function stop(cause: StopCause): Promise<StopReport> {
    stopping ??= stopAll(cause);
    return stopping;
  }

  async function stopAll(cause: StopCause): Promise<StopReport> {
    const since = clock.now();
    const at = clock.wall();
    // The caller's `stopping` is only set after this function yields: nothing below may start a service before.
    await Promise.resolve();
    events.emit({ type: "groupStopping", cause, budgetMs: shutdown.timeout });
    const all = [...children.values()];
    const states = new Map(all.map((child) => [child, child.state]));
    const turns = new Map<Child, Turn>();
    const stops = new Map<Child, ServiceStop>();
    const soFar = { cause, since, at, budgetMs: shutdown.timeout, states, turns, ended: stops };
    reportNow = () => reportSoFar(soFar, clock.now());
    const ready = options.stopping?.();
    for (const child of all) child.quiet();
    for (const child of all) child.halt();
    await ready;
    if (shutdown.delay > 0) await sleep(clock, shutdown.delay);
    const begun = (child: Child, turn: Turn) => turns.set(child, turn);
    const stopped = (child: Child, stop: ServiceStop) => {
      stops.set(child, stop);
      events.emit({ type: "serviceStopped", stop });
    };
    const services = await teardown({ states, shutdown, clock, since, begun, stopped });
    const report: StopReport = {
      cause,
      outcome: services.some(isCutOff) ? "forced" : "clean",
      startedAt: at,
      durationMs: tenths(clock.now() - since),
      budgetMs: shutdown.timeout,
      services,
    };
    reportNow = () => report;
    events.emit({ type: "groupStopped", report });
    ended.resolve(report);
    return report;
  }

  return {
    start,
    stop,
    ended: ended.promise,
    report: () => reportNow?.(),
    snapshots: () => [...children.values()].map((child) => child.snapshot),
  };
}

function isCutOff({ outcome, leftBehind }: ServiceStop): boolean {
  return outcome === "abandoned" || leftBehind !== undefined;
}

function isWell({ tag }: ChildState): boolean {
  return tag === "ready" || tag === "completed";
}

function dependentsOf(members: readonly Member[]): Map<string, string[]> {
  const dependents = new Map<string, string[]>();
  for (const member of members) {
    for (const need of Object.keys(member.dependsOn)) {
      dependents.set(need, [...(dependents.get(need) ?? []), member.name]);
    }
  }
  return dependents;
}

function unmet(children: Map<string, Child>, member: Member): string[] {
  return Object.entries(member.dependsOn)
    .filter(([name, condition]) => !holds(children.get(name), condition))
    .map(([name, condition]) => (condition === "ready" ? name : `${name} (${condition})`));
}

function holds(child: Child | undefined, condition: DependencyCondition): boolean {
  if (!child) return true;
  const { tag } = child.state;
  if (condition === "started") return child.startedAs !== undefined;
  return tag === "completed" || (condition === "ready" && tag === "ready");
}

/** Whether what `member` waits for can never come true any more. */
function isGone(children: Map<string, Child>, member: Member, name: string): boolean {
  const child = children.get(name);
  if (child?.state.tag !== "failed") return false;
  return !holds(child, member.dependsOn[name] as DependencyCondition);
}

function dependencyFailed(service: string, gone: string): SupervisorError {
  return new SupervisorError(
    "DEPENDENCY_FAILED",
    `Cannot start "${service}": "${gone}", which it depends on, has failed for good`,
    `Mend "${gone}" first, or remove it from services.${service}.depends_on.`,
  );
}

function failureOf(child: Child): StopCause {
  const { state } = child;
  const message = state.tag === "failed" ? messageOf(state.error) : state.tag;
  return { tag: "failure", service: child.member.name, message };
}
