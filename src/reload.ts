import { resolve } from "node:path";
import type { PlanChange, ServiceChange, ServiceChangeKind } from "./config/diff.ts";
import { diffPlans, isNothing } from "./config/diff.ts";
import { describeDetail } from "./config/diff-details.ts";
import { keepUnchanged } from "./config/keep-unchanged.ts";
import type { PlanSource } from "./config/read-plan.ts";
import { assertSocketsServed } from "./config/sockets-served.ts";
import type { Clock } from "./core/clock.ts";
import type { CommandError, CommandResult, StepAction, StepResult } from "./core/command.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import type { Events } from "./core/events.ts";
import type { Plan, ServicePlan } from "./core/plan.ts";
import type { Problem } from "./core/problem.ts";
import { ProblemsError } from "./core/problem.ts";
import { describeProblem } from "./core/render-problems.ts";
import type { GroupChange } from "./group/update.ts";
import type { Definitions, Staged } from "./modules/definitions.ts";

export interface ReloadOptions {
  /** What runs. */
  readonly source: PlanSource;
  /** Reads services.yaml again, with the same overlay and selection. Rejects with a ProblemsError. */
  readonly read: () => Promise<PlanSource>;
  readonly definitions: Definitions;
  readonly http: { update(services: readonly ServicePlan[]): Promise<HttpChange> };
  readonly brokerage: BrokerChange;
  readonly group: { update(change: GroupChange): Promise<StepResult[]> };
  readonly membersOf: (plan: Plan) => GroupChange["members"];
  readonly sections: Sections;
  readonly events: Events;
  readonly clock: Clock;
  readonly isStopping: () => boolean;
}

/** How addresses change: new ones are bound before anything is given up. */
export interface HttpChange {
  commit(): void;
  release(): Promise<void>;
  rollback(): Promise<void>;
}

/** Brokers, and what brings work from them. */
export interface BrokerChange {
  /** Before a service of `next` is made. */
  adopt(next: Plan): Promise<void>;
  /** What nobody uses any more may go. */
  release(): Promise<void>;
}

/** The parts of a plan that are not services. */
export interface Sections {
  /** Moves the admin listener. Rejects when it cannot: then it stays where it is. */
  admin(next: Plan): Promise<void>;
  /** The plan is this one from now on; `moved` no longer listen where they did. */
  adopted(next: Plan, moved: readonly string[]): void;
}

export interface Reloader {
  /**
   * Applies what has changed in services.yaml since it was read last; `dryRun` only tells. One after the other.
   * Never rejects.
   */
  reload(dryRun: boolean): Promise<CommandResult>;
  /** Does `work` while nothing is reloaded. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** What runs now. */
  readonly source: PlanSource;
}

export function createReloader(options: ReloadOptions): Reloader {
  const { definitions, group, events, clock, sections } = options;
  let source = options.source;
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  async function attempt(dryRun: boolean): Promise<CommandResult> {
    try {
      if (options.isStopping()) throw stopping();
      const read = await options.read();
      const next = { ...read, plan: keepUnchanged(source.plan, read.plan) };
      const change = diffPlans(source.plan, next.plan);
      assertSameName(change, next);
      assertSocketsServed(source.plan, next.plan);
      if (dryRun) return { outcome: "done", steps: planned(change) };
      const result = await apply(next, change);
      events.emit({ type: "reloaded", changes: result.steps });
      return result;
    } catch (error) {
      const problems = problemsOf(error);
      if (!dryRun) events.emit({ type: "reloadFailed", problems });
      return { outcome: "failed", steps: [], problems: problems.map(asCommandError) };
    }
  }

  async function apply(next: PlanSource, change: PlanChange): Promise<CommandResult> {
    const of = byKind(change.services);
    const staged = await definitions.stage({
      ...next,
      load: [...of("added"), ...of("changed")],
      check: of("reconfigured"),
    });
    try {
      const http = await options.http.update(next.plan.services);
      if (options.isStopping()) {
        await http.rollback();
        throw stopping();
      }
      http.commit();
      return await applyAll(next, change, staged, http);
    } finally {
      staged.close();
    }
  }

  /** From here on there is no way back: what fails is told as a failed step. */
  async function applyAll(
    nextSource: PlanSource,
    change: PlanChange,
    staged: Staged,
    http: HttpChange,
  ): Promise<CommandResult> {
    const of = byKind(change.services);
    const { plan: old } = source;
    const { plan: next } = nextSource;
    source = nextSource;
    staged.adopt();
    await options.brokerage.adopt(next);
    sections.adopted(next, movedBy(change.services));
    const steps = await sectionSteps(change, next);
    if (change.services.length > 0 || change.reordered || touchesShutdown(change)) {
      const done = await group.update({
        members: options.membersOf(next),
        shutdown: next.shutdown,
        added: of("added"),
        removed: of("removed"),
        changed: of("changed"),
        reconfigured: of("reconfigured"),
      });
      steps.push(...done.map((step) => withDetails(step, change.services)));
      steps.push(...of("adjusted").map((name) => adjusted(name, change.services)));
    }
    await Promise.all([http.release(), options.brokerage.release()]);
    source = { ...nextSource, plan: without(steps, old, next) };
    return { outcome: steps.some(({ outcome }) => outcome === "failed") ? "failed" : "done", steps };
  }

  async function sectionSteps(change: PlanChange, next: Plan): Promise<StepResult[]> {
    const steps: StepResult[] = [];
    for (const { section, details } of change.sections) {
      if (section === "name") continue;
      const since = clock.now();
      const later = details.some(({ path }) => path === "shutdown.streams_timeout") ? [streamsLater] : [];
      const note = [...details.map(describeDetail), ...later].join(", ");
      const step = { subject: section, action: "reconfigure", note } as const;
      const error = section === "admin" ? await failure(sections.admin(next)) : undefined;
      const durationMs = Math.round(clock.now() - since);
      if (error === undefined) steps.push({ ...step, outcome: "done", durationMs });
      else steps.push({ ...step, outcome: "failed", durationMs, error: asCommandError(problemOf(error)) });
    }
    return steps;
  }

  return {
    reload: (dryRun) => inTurn(() => attempt(dryRun)),
    inTurn,
    get source() {
      return source;
    },
  };
}

/** The plan that really runs: what failed stays what it was, so that the next reload tries it again. */
function without(steps: readonly StepResult[], old: Plan, next: Plan): Plan {
  const failed = new Set(steps.filter(({ outcome }) => outcome === "failed").map(({ subject }) => subject));
  if (failed.size === 0) return next;
  const before = new Map(old.services.map((service) => [service.name, service]));
  return {
    ...next,
    admin: failed.has("admin") ? old.admin : next.admin,
    services: next.services.map((service) =>
      failed.has(service.name) ? (before.get(service.name) ?? service) : service,
    ),
  };
}

const streamsLater = "streams_timeout holds from the next start of the supervisor";

const actions: Readonly<Record<ServiceChangeKind, StepAction>> = {
  added: "add",
  removed: "remove",
  changed: "replace",
  reconfigured: "reconfigure",
  adjusted: "reconfigure",
};

function planned(change: PlanChange): StepResult[] {
  if (isNothing(change)) return [];
  const step = (subject: string, action: StepAction, details: ServiceChange["details"]): StepResult => ({
    subject,
    action,
    outcome: "planned",
    durationMs: 0,
    ...(details.length > 0 ? { note: details.map(describeDetail).join(", ") } : {}),
  });
  return [
    ...change.sections.map(({ section, details }) => step(section, "reconfigure", details)),
    ...change.services.map(({ service, kind, details }) => step(service, actions[kind], details)),
  ];
}

function byKind(changes: readonly ServiceChange[]): (kind: ServiceChangeKind) => string[] {
  return (kind) => changes.filter((change) => change.kind === kind).map(({ service }) => service);
}

function touchesShutdown({ sections }: PlanChange): boolean {
  return sections.some(({ section }) => section === "shutdown");
}

function withDetails(step: StepResult, changes: readonly ServiceChange[]): StepResult {
  const details = changes.find(({ service }) => service === step.subject)?.details ?? [];
  const note = [...details.map(describeDetail), ...(step.note === undefined ? [] : [step.note])].join(", ");
  return note === "" ? step : { ...step, note };
}

function adjusted(name: string, changes: readonly ServiceChange[]): StepResult {
  return withDetails(
    { subject: name, action: "reconfigure", outcome: "done", durationMs: 0, note: "the service goes on" },
    changes,
  );
}

function movedBy(changes: readonly ServiceChange[]): string[] {
  const moves = (change: ServiceChange) =>
    change.kind === "removed" || change.details.some(({ path }) => /^http(\.|$)/.test(path));
  return changes.filter(moves).map(({ service }) => service);
}

async function failure(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

function assertSameName({ sections }: PlanChange, { plan, locate }: PlanSource): void {
  if (!sections.some(({ section }) => section === "name")) return;
  const position = locate(["name"]);
  throw new ProblemsError([
    {
      code: "BAD_VALUE",
      message: `The name cannot become "${plan.name}" while the supervisor runs`,
      hint: "Its socket is named after it: stop it and start it again, or keep the name.",
      ...(position ? { position } : {}),
    },
  ]);
}

function stopping(): SupervisorError {
  const hint = "Wait until it has ended, then start it again.";
  return new SupervisorError("STOPPING", "Nothing can be reloaded: the supervisor is stopping", hint);
}

function problemsOf(error: unknown): readonly Problem[] {
  return error instanceof ProblemsError ? error.problems : [problemOf(error)];
}

function problemOf(error: unknown): Problem {
  if (error instanceof SupervisorError) return error;
  if (error instanceof ProblemsError && error.problems[0]) return error.problems[0];
  return { code: "INTERNAL", message: messageOf(error), hint: "The log tells more." };
}

function asCommandError(problem: Problem): CommandError {
  const { code, hint } = problem;
  return { code, hint, message: describeProblem(problem, { color: false, cwd: resolve(".") }) };
}
