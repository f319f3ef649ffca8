import type { Clock } from "../core/clock.ts";
import type { Plan, ServicePlan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { IsolatedLoader } from "./load.ts";
import { loadModule, loadModules, together } from "./load.ts";
import type { Definition } from "./shape.ts";

/** The code of every service: what the next generation is made of. */
export interface Definitions {
  /** Whether `next` can give other code than before. */
  readonly reloads: boolean;
  /**
   * Loads the code of all services, once, before anything else. `isolated` loads, now and later, that of services
   * with threads of their own. Rejects with a ProblemsError.
   */
  load(isolated?: IsolatedLoader): Promise<void>;
  /**
   * What a new generation of `service` is made of. `fresh`: of the code as it is on disk now, its config checked
   * anew; rejects with a ProblemsError when that cannot be loaded.
   */
  next(service: ServicePlan, fresh: boolean): Promise<Definition>;
  /** From now on generations that are not fresh are made of `definition`. */
  keep(definition: Definition): void;
  /** The config of `service` as the code that runs wants it. Rejects with a ProblemsError. */
  config(service: ServicePlan): Promise<unknown>;
  /**
   * Loads the services `load` of `plan` anew, and checks the config of the services `check`, without an effect on
   * anybody: what was loaded waits for `next`. Rejects with a ProblemsError that holds all problems.
   */
  stage(change: StagedChange): Promise<Staged>;
}

export interface StagedChange {
  readonly plan: Plan;
  readonly locate: Locate;
  readonly load: readonly string[];
  readonly check: readonly string[];
}

export interface Staged {
  /** Problems that are found from now on are shown in the file of the staged plan. */
  adopt(): void;
  /** Forgets what nobody has asked for: code on disk may be newer by the next time. */
  close(): void;
}

export interface DefinitionsOptions {
  readonly plan: Plan;
  readonly locate: Locate;
  readonly runtime: Runtime;
  readonly clock: Clock;
}

/** The code of the services of a services.yaml. */
export function createDefinitions(options: DefinitionsOptions): Definitions {
  const { runtime, clock } = options;
  const kept = new Map<string, Definition>();
  const staged = new Map<string, Definition>();
  let { plan, locate } = options;
  let isolated: IsolatedLoader | undefined;

  function loadFresh(service: ServicePlan, where: Locate): Promise<Definition> {
    return loadModule(service, { locate: where, runtime, clock, fresh: true, isolated });
  }

  async function configOf(service: ServicePlan, where: Locate): Promise<unknown> {
    const definition = kept.get(service.name);
    return definition?.check ? definition.check(service, where) : service.config;
  }

  return {
    reloads: runtime.reloadsModules,
    async load(loader) {
      isolated = loader;
      const loaded = await loadModules(plan, locate, runtime, clock, isolated);
      for (const each of loaded) kept.set(each.service, each);
    },
    async next(service, fresh) {
      const { name } = service;
      const ready = fresh ? staged.get(name) : kept.get(name);
      staged.delete(name);
      if (ready) return ready;
      const [definition] = await together([service], plan.secrets, (each) => loadFresh(each, locate));
      return definition as Definition;
    },
    keep: (definition) => void kept.set(definition.service, definition),
    config: (service) => configOf(service, locate),
    async stage(change) {
      const { services, secrets } = change.plan;
      const [load, check] = [new Set(change.load), new Set(change.check)];
      const concerned = services.filter(({ name }) => load.has(name) || check.has(name));
      const loaded = await together(concerned, secrets, async (service) => {
        if (load.has(service.name)) return loadFresh(service, change.locate);
        await configOf(service, change.locate);
        return undefined;
      });
      for (const definition of loaded) if (definition) staged.set(definition.service, definition);
      return {
        adopt() {
          ({ plan, locate } = change);
          const known = new Set(plan.services.map(({ name }) => name));
          for (const name of kept.keys()) if (!known.has(name)) kept.delete(name);
        },
        close() {
          staged.clear();
          isolated?.forget();
        },
      };
    },
  };
}

/** The code of services that a program has made itself: it is what it is. */
export function fixedDefinitions(definitions: readonly Definition[]): Definitions {
  const known = new Map(definitions.map((each) => [each.service, each]));
  return {
    reloads: false,
    load: async () => {},
    next: async ({ name }) => known.get(name) as Definition,
    keep() {},
    config: async ({ config }) => config,
    stage: async () => ({ adopt() {}, close() {} }),
  };
}
