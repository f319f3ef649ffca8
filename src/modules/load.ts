import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { formatDuration } from "../core/duration.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Plan, ServicePlan } from "../core/plan.ts";
import type { Locate, Position, Problem } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { checkConfig } from "./config-schema.ts";
import { lackOf, mayComplete } from "./lacks.ts";
import type { Definition } from "./shape.ts";
import { creatorOf, pickExport } from "./shape.ts";

/**
 * Imports the modules of all services at once and looks at what they export; runs nothing of a service
 * but the top level of its module.
 *
 * @throws ProblemsError with every failure of every service.
 */
export async function loadModules(
  plan: Plan,
  locate: Locate,
  runtime: Runtime,
  clock: Clock,
  isolated?: IsolatedLoader,
): Promise<Definition[]> {
  const { services, secrets } = plan;
  const awaited = completionsAwaited(services);
  return together(services, secrets, (service) => {
    const awaitedBy = awaited.get(service.name) ?? [];
    return loadModule(service, { locate, runtime, clock, fresh: false, isolated, awaitedBy });
  });
}

/** By name: who does not start before the service is completed. */
function completionsAwaited(services: readonly ServicePlan[]): Map<string, string[]> {
  const awaited = new Map<string, string[]>();
  for (const { name, dependsOn } of services) {
    for (const [need, condition] of Object.entries(dependsOn)) {
      if (condition === "completed") awaited.set(need, [...(awaited.get(need) ?? []), name]);
    }
  }
  return awaited;
}

/**
 * Does `work` for all services at once.
 *
 * @throws ProblemsError with the problems of all of them, secrets hidden.
 */
export async function together<T>(
  services: readonly ServicePlan[],
  secrets: readonly string[],
  work: (service: ServicePlan) => Promise<T>,
): Promise<T[]> {
  const problems: Problem[] = [];
  const done = await Promise.all(
    services.map((service) => work(service).catch((error) => void problems.push(...of(error)))),
  );
  if (problems.length > 0) throw new ProblemsError(problems.map((each) => withoutSecrets(each, secrets)));
  return done as T[];
}

/** Schema libraries and thrown errors quote the values that they complain about. */
function withoutSecrets(problem: Problem, secrets: readonly string[]): Problem {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), problem.message);
  return { ...problem, message };
}

/** Loads modules on other threads than this one. */
export interface IsolatedLoader {
  /** Loads the module of `service` where its next generation will run. Rejects with a ProblemsError. */
  load(service: ServicePlan, locate: Locate): Promise<void>;
  /** Lets go of what was loaded and of which no generation was made. */
  forget(): void;
}

export interface LoadOptions {
  readonly locate: Locate;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** As it is on disk now, where the runtime can. */
  readonly fresh: boolean;
  /** For services with a thread of their own; absent: this thread loads them as well. */
  readonly isolated?: IsolatedLoader | undefined;
  /** Services that do not start before this one is completed, where that is to be possible. */
  readonly awaitedBy?: readonly string[];
}

/** Imports one module and looks at what it exports. Rejects with a ProblemsError. */
export async function loadModule(service: ServicePlan, options: LoadOptions): Promise<Definition> {
  const { locate, runtime, clock, fresh, isolated } = options;
  const { name, module, startTimeout } = service;
  if (service.worker && isolated) {
    await isolated.load(service, locate);
    return { service: name, module, config: service.config, create: elsewhere(name) };
  }
  if (module === "") {
    assertCompletes(service, {}, options);
    return { service: name, module, config: service.config, create: () => ({}) };
  }
  const importing = runtime.importModule(module, fresh ? { fresh } : {});
  const loading = await within(clock, clock.now() + startTimeout, importing);
  if (loading.tag !== "done") {
    const at = locate(["services", name, "module"]);
    if (loading.tag === "late") throw new ProblemsError([neverLoaded(service, at)]);
    const { loadProblems } = await import("./load-error.ts");
    throw new ProblemsError(loadProblems(name, module, loading.error, at));
  }
  const exports = loading.value;
  const config = await checkConfig(service, exports, locate);
  return {
    service: name,
    module,
    config,
    create: creator(service, exports, options),
    check: (next, where) => checkConfig(next, exports, where),
  };
}

/** The code is on another thread, and so is whoever makes instances of it. */
function elsewhere(name: string): Definition["create"] {
  return () => {
    throw new TypeError(`Service "${name}" runs in a thread of its own`);
  };
}

function neverLoaded({ name, startTimeout }: ServicePlan, position: Position | undefined): Problem {
  return {
    code: "MODULE_TIMEOUT",
    message: `Cannot load service "${name}": its module did not finish loading within ${formatDuration(startTimeout)}`,
    hint: "A top-level await in the module never ends; move that work into start(), or raise start_timeout.",
    ...(position ? { position } : {}),
  };
}

function creator(
  service: ServicePlan,
  exports: Record<string, unknown>,
  options: LoadOptions,
): Definition["create"] {
  const { name } = service;
  const where = service.export === "default" ? `the default export of ${service.module}` : service.export;
  try {
    const exported = pickExport(exports, service.export, service.module);
    const create = creatorOf(exported, where);
    const lack = lackOf(service, exported);
    if (lack) throw lack;
    assertCompletes(service, exported, options);
    return create;
  } catch (error) {
    if (error instanceof ProblemsError) throw error;
    const position = options.locate(["services", name, service.export === "default" ? "module" : "export"]);
    const { code, hint, message: fact } = error instanceof SupervisorError ? error : unreadable(where, error);
    const message = `Service "${name}": ${fact}`;
    throw new ProblemsError([{ code, hint, message, ...(position ? { position } : {}) }]);
  }
}

/** A getter, or a Proxy: to look at it runs code of the module. */
function unreadable(where: string, error: unknown): SupervisorError {
  return new SupervisorError(
    "NOT_A_SERVICE",
    `looking at ${where} threw: ${messageOf(error)}`,
    "Export an object whose members can be read, or a function (ctx) => service that makes one.",
  );
}

function assertCompletes(
  { name }: ServicePlan,
  exported: unknown,
  { awaitedBy = [], locate }: LoadOptions,
): void {
  if (awaitedBy.length === 0 || mayComplete(exported)) return;
  const problems = awaitedBy.map((waiting): Problem => {
    const position = locate(["services", waiting, "depends_on", name]);
    return {
      code: "BAD_VALUE",
      message: `Service "${waiting}" waits until "${name}" is completed, which never happens: it has no run()`,
      hint: `Add run() to "${name}", which is completed when that resolves, or wait until it is ready: "depends_on: { ${name}: ready }".`,
      ...(position ? { position } : {}),
    };
  });
  throw new ProblemsError(problems);
}

function of(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  throw error;
}
