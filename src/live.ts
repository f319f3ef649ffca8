import type { PlanSource } from "./config/read-plan.ts";
import type { OperatorLink } from "./control/operator-link.ts";
import type { OperatorPlan } from "./control/protocol.ts";
import { systemClock } from "./core/clock.ts";
import type { CommandResult } from "./core/command.ts";
import type { Events } from "./core/events.ts";
import type { Logger } from "./core/log.ts";
import type { Plan } from "./core/plan.ts";
import { formatAddress } from "./core/plan.ts";
import { ProblemsError } from "./core/problem.ts";
import { describeProblem } from "./core/render-problems.ts";
import type { Group } from "./group/group.ts";
import type { GroupChange } from "./group/update.ts";
import type { HttpPlane } from "./http/http-plane.ts";
import type { Definitions, Staged } from "./modules/definitions.ts";
import type { LogWriter } from "./observe/log-writer.ts";
import type { BrokerChange } from "./reload.ts";
import { createReloader } from "./reload.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { Watch } from "./watch.ts";
import { createWatch } from "./watch.ts";
import { realFiles } from "./watch-files.ts";

export interface LiveOptions {
  /** What runs. */
  readonly source: PlanSource;
  readonly read: () => Promise<PlanSource>;
  readonly runtime: Runtime;
  readonly definitions: Definitions;
  readonly http: HttpPlane;
  readonly brokerage: BrokerChange;
  readonly group: Group;
  readonly membersOf: (plan: Plan) => GroupChange["members"];
  readonly events: Events;
  readonly log: Logger;
  readonly output: LogWriter;
  /** Undefined before it was started. */
  readonly operator: () => OperatorLink | undefined;
  /** Told which plan runs from now on. */
  readonly adopted: (plan: Plan) => void;
  /** How the log of a plan looks where this process writes it. */
  readonly look: (plan: Plan) => OperatorPlan["log"];
}

/** What can become another while the supervisor runs. Loaded when it is first asked for: the start needs none of it. */
export interface Live {
  reload(dryRun: boolean): Promise<CommandResult>;
  /** Replaces services whose files are saved; `plans` are services.yaml and its overlay. */
  watch(plans: readonly string[]): Watch;
}

export function createLive(options: LiveOptions): Live {
  const { source, runtime, definitions, group, events, log, output } = options;
  /** In the order of their marks in the beacon: see `createMembers`. */
  let marked = source.plan.services.map(({ name, critical }) => ({ name, critical }));
  let secrets = source.plan.secrets;
  let told = source.plan;
  let saidUnable = false;

  const reloader = createReloader({
    source,
    read: options.read,
    definitions,
    http: options.http,
    brokerage: options.brokerage,
    group,
    membersOf: options.membersOf,
    sections: { admin: moveAdmin, adopted },
    events,
    clock: systemClock,
    isStopping: () => group.report() !== undefined,
  });

  async function moveAdmin({ admin }: Plan): Promise<void> {
    const address = await options.operator()?.listen(admin);
    if (!address) return;
    const place = formatAddress(address);
    events.emit({ type: "listening", url: place.startsWith("unix:") ? place : `http://${place}` });
  }

  function adopted(plan: Plan, moved: readonly string[]): void {
    options.adopted(plan);
    const before = told;
    told = plan;
    if (moved.length === 0 && tellsSame(before, plan)) return;
    const known = new Set(marked.map(({ name }) => name));
    const added = plan.services.filter(({ name }) => !known.has(name));
    marked = [...marked, ...added.map(({ name, critical }) => ({ name, critical }))];
    // What was secret stays so: services that have not been replaced still know it.
    secrets = [...new Set([...secrets, ...plan.secrets])];
    const look = options.look(plan);
    output.change({ ...look, secrets });
    options.operator()?.adopt({
      services: marked,
      names: plan.services.map(({ name }) => name),
      moved,
      budgetMs: plan.shutdown.timeout,
      log: look,
      secrets,
    });
  }

  /** Returns those that cannot be loaded: they keep the code that they run. */
  async function replace(names: readonly string[]): Promise<string[]> {
    const able = withReloadableCode(names);
    const stages = await Promise.all(able.map(stage));
    const good = able.filter((_, index) => stages[index] !== undefined);
    try {
      if (good.length > 0) await group.perform("restart", good);
    } finally {
      for (const staged of stages) staged?.close();
    }
    return able.filter((name) => !good.includes(name));
  }

  /** Undefined when it cannot be loaded; the log tells why, with the line. */
  async function stage(name: string): Promise<Staged | undefined> {
    try {
      return await definitions.stage({ ...reloader.source, load: [name], check: [] });
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      for (const problem of error.problems) {
        const what = describeProblem(problem, { color: false, cwd: process.cwd() });
        log.error(`${name} keeps its old code: ${what}`, {
          service: name,
          code: problem.code,
          hint: problem.hint,
        });
      }
      return undefined;
    }
  }

  function withReloadableCode(names: readonly string[]): string[] {
    const resting = new Set(
      group.snapshots().flatMap(({ name, stoppedBy }) => (stoppedBy === undefined ? [] : [name])),
    );
    const threaded = new Set(
      reloader.source.plan.services.flatMap(({ name, worker }) => (worker ? [name] : [])),
    );
    const wanted = names.filter((name) => !resting.has(name));
    const able = wanted.filter((name) => definitions.reloads || threaded.has(name));
    if (able.length < wanted.length && !saidUnable) {
      saidUnable = true;
      log.warn("--watch cannot load code anew inline: Deno cannot; set isolation: worker", {
        services: wanted.filter((name) => !able.includes(name)),
      });
    }
    return able;
  }

  /** Whoever waits for a reload is told that it has begun; that it has ended is an event. */
  function reload(dryRun: boolean): Promise<CommandResult> {
    if (!dryRun) options.operator()?.reloading();
    return reloader.reload(dryRun);
  }

  return {
    reload,
    watch: (plans) =>
      createWatch({
        files: realFiles(runtime, (folder, error) => log.warn(`cannot watch ${folder}`, { error })),
        clock: systemClock,
        plans,
        services: () => reloader.source.plan.services,
        async reload() {
          await reload(false);
        },
        replace: (names) => reloader.inTurn(() => replace(names)),
        failed: (error) => log.error("--watch could not act on what was saved", { error }),
      }),
  };
}

/** Whether the operator's plane knows all of `next` when it knows `before`. */
function tellsSame(before: Plan, next: Plan): boolean {
  const { level, format } = before.log;
  return (
    level === next.log.level &&
    format === next.log.format &&
    before.shutdown.timeout === next.shutdown.timeout &&
    isSameList(before.secrets, next.secrets) &&
    before.services.length === next.services.length &&
    before.services.every((service, index) => {
      const other = next.services[index];
      return service === other || (service.name === other?.name && service.critical === other.critical);
    })
  );
}

function isSameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}
