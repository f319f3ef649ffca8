import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import type { StepResult, Verb } from "../core/command.ts";
import { errorCodes, messageOf, SupervisorError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import { ExitCode } from "../core/exit.ts";
import { inWaves, startOrder } from "../core/order.ts";
import type { ShutdownPlan } from "../core/plan.ts";
import type { LeftBehind, ServiceStop, StopCause, StopReport } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { Child } from "./child.ts";
import { dependencyFailed, dependentsOf, goneNeed, unmet, waitOf } from "./dependencies.ts";
import type { Member } from "./host.ts";
import { createOperations } from "./operations.ts";
import type { ChildState } from "./state.ts";
import { isOver, isServing } from "./state.ts";
import { reportSoFar } from "./stop-so-far.ts";
import type { Turn } from "./teardown.ts";
import { teardown, tenths } from "./teardown.ts";
import type { GroupChange } from "./update.ts";
import { createUpdate } from "./update.ts";
import { createWaits } from "./waits.ts";

export interface GroupOptions {
  readonly members: readonly Member[];
  readonly shutdown: ShutdownPlan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: Events;
  /** What a stop does before any service is asked to: the first turn comes when it has resolved. */
  readonly stopping?: (budgetMs: number) => Promise<void>;
}

export interface Group {
  /** Loads every member, then starts each as soon as its dependencies hold. Calling it after `stop` does nothing. */
  start(): void;
  /** Stops everything in order, once: later calls get the promise of the first. Never rejects. */
  stop(cause: StopCause): Promise<StopReport>;
  /** Resolves when the group has stopped, whoever asked for it. */
  readonly ended: Promise<StopReport>;
  /**
   * What an operator asks of services by name: one step each. Operations on one service run one after the other, on
   * several at once. Never rejects; once `stop` has begun, every step fails with the code STOPPING.
   */
  perform(verb: Verb, names: readonly string[]): Promise<StepResult[]>;
  /**
   * A change of plan: in dependency order, removed services stop, added ones start, changed ones are replaced,
   * reconfigured ones are given their config. One that fails stays what it was. Never rejects.
   */
  update(change: GroupChange): Promise<StepResult[]>;
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
  const { clock, events } = options;
  let { shutdown } = options;
  const children = new Map<string, Child>();
  let dependents = dependentsOf(options.members);
  const settled = new Set<string>();
  const unloaded = new Set(options.members.map((member) => member.name));
  const ended = Promise.withResolvers<StopReport>();
  let starts = 0;
  let startedAt = clock.now();
  let stopping: Promise<StopReport> | undefined;
  let announced = false;
  let reportNow: (() => StopReport) | undefined;

  const waits = createWaits(
    clock,
    (name) => {
      const child = children.get(name);
      return child && waitOf(children, child.member);
    },
    (found) => events.emit({ type: "servicesWaiting", waits: found }),
  );
  const world = { children, clock, events, isStopping: () => stopping !== undefined };
  const operations = createOperations(world);
  const update = createUpdate({ ...world, operations, add, remove, adopted, rewired });
  for (const member of options.members) children.set(member.name, childOf(member));

  function childOf(member: Member): Child {
    const { random } = options;
    return new Child({ member, clock, random, changed, touched, failed, abandoned, unmet: needs });
  }

  function needs(member: Member): string[] {
    return unmet(children, member);
  }

  function start(): void {
    if (stopping) return;
    startedAt = clock.now();
    events.emit({ type: "groupStarting", services: children.size });
    for (const child of children.values()) if (child.state.tag === "pending") child.load();
    if (children.size === 0) void stop({ tag: "completed" });
  }

  function changed(child: Child, from: ChildState): void {
    events.emit({ type: "serviceChanged", from: from.tag, snapshot: child.snapshot });
    const { name } = child.member;
    const { tag } = child.state;
    if (tag !== "loading" && unloaded.delete(name) && unloaded.size === 0) beginAll();
    else if (tag === "pending") tryBegin(child);
    for (const dependent of dependents.get(name) ?? []) {
      tryBegin(children.get(dependent));
      children.get(dependent)?.look();
    }
    if (stopping) return;
    // It may have got its turn since: what `tag` says is over then.
    if (isWaiting(child.state)) waits.begin(name);
    else waits.end(name);
    if (tag === "failed" && child.member.critical && !child.isOnTrial) void stop(failureOf(child));
    else settle(child);
  }

  function touched(child: Child): void {
    events.emit({ type: "serviceChanged", from: child.state.tag, snapshot: child.snapshot });
    if (!stopping) settle(child);
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

  /** Undefined: the plan has changed, and it was removed. */
  function tryBegin(child: Child | undefined): void {
    if (
      !child ||
      stopping ||
      unloaded.size > 0 ||
      child.state.tag !== "pending" ||
      child.state.generation === 0
    )
      return;
    const gone = goneNeed(children, child.member);
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
    // Unhealthy from the beginning: its broker is away, which may last.
    const settles = isServing(child.state) || tag === "quarantined" || isOver(child.state);
    if (settles) settled.add(child.member.name);
    announce();
    if (child.isDone) endWhenDone();
  }

  function announce(): void {
    if (!announced && settled.size === children.size) {
      announced = true;
      const unready = [...children.values()]
        .filter((each) => !isWell(each.state))
        .map((each) => each.member.name);
      events.emit({ type: "groupReady", durationMs: tenths(clock.now() - startedAt), unready });
    }
  }

  function endWhenDone(): void {
    const all = [...children.values()];
    if (!stopping && all.every((each) => each.isDone)) void stop(endOf(all));
  }

  function add(member: Member): Child {
    const child = childOf(member);
    children.set(member.name, child);
    return child;
  }

  function remove(name: string): void {
    children.delete(name);
    settled.delete(name);
    unloaded.delete(name);
    waits.end(name);
  }

  /** The plan has changed: `children` stand in its order from now on, and stop in one that fits its dependencies. */
  function rewired(members: readonly Member[]): void {
    for (const { name } of members) {
      const child = children.get(name);
      if (!child || !children.delete(name)) continue;
      children.set(name, child);
    }
    dependents = dependentsOf([...children.values()].map((child) => child.member));
    for (const { name, dependsOn } of startOrder(members)) {
      const child = children.get(name);
      const needs = Object.keys(dependsOn).map((need) => children.get(need)?.startedAs ?? -1);
      if (child?.startedAs !== undefined && Math.max(...needs, -1) > child.startedAs)
        child.startedAs = starts++;
    }
  }

  function adopted(plan: ShutdownPlan): void {
    shutdown = plan;
    announce();
    endWhenDone();
  }

  /** Along the dependencies: one that is stopped before it starts again must not fail those who need it. */
  async function perform(verb: Verb, names: readonly string[]): Promise<StepResult[]> {
    const steps = new Map<string, StepResult>();
    const note = async (name: string) => void steps.set(name, await operations.perform(verb, name));
    const waves = inWaves(names.flatMap((name) => children.get(name)?.member ?? []));
    if (verb === "stop") waves.reverse();
    for (const wave of waves) await Promise.all(wave.map(({ name }) => note(name)));
    await Promise.all(names.filter((name) => !steps.has(name)).map(note));
    return names.map((name) => steps.get(name) as StepResult);
  }

  function stop(cause: StopCause): Promise<StopReport> {
    stopping ??= stopAll(cause);
    return stopping;
  }

  async function stopAll(cause: StopCause): Promise<StopReport> {
    waits.close();
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
    const ready = options.stopping?.(shutdown.timeout);
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
    perform,
    update,
    snapshots: () => [...children.values()].map((child) => child.snapshot),
  };
}

function isCutOff({ outcome, leftBehind }: ServiceStop): boolean {
  return outcome === "abandoned" || leftBehind !== undefined;
}

function isWell({ tag }: ChildState): boolean {
  return tag === "ready" || tag === "completed";
}

/** Its turn to start comes when its dependencies hold. */
function isWaiting({ tag, generation }: ChildState): boolean {
  return tag === "pending" && generation > 0;
}

/** Why a group stops of which nothing is left. One in which nothing has completed has done nothing: it has failed. */
function endOf(children: readonly Child[]): StopCause {
  const failed = children.filter(({ state }) => state.tag === "failed");
  // The others may have failed because that one did.
  const [first] = failed.toSorted((one, other) => one.snapshot.since - other.snapshot.since);
  if (!first) return { tag: "completed" };
  if (failed.length === children.length) return failureOf(first);
  return { tag: "completed", failed: failed.map(({ member }) => member.name) };
}

function failureOf(child: Child): StopCause {
  const { state } = child;
  const message = state.tag === "failed" ? messageOf(state.error) : state.tag;
  const code = state.tag === "failed" && isLasting(state.error) ? state.error.code : undefined;
  return { tag: "failure", service: child.member.name, message, ...(code === undefined ? {} : { code }) };
}

/** What services.yaml or a broker would have to be changed for. */
function isLasting(error: unknown): error is SupervisorError {
  return error instanceof SupervisorError && errorCodes[error.code].exit === ExitCode.config;
}
