import { SupervisorError } from "../core/errors.ts";
import { missingExport } from "../core/missing-export.ts";
import type { ServicePlan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import type { Context, Service } from "../service/contract.ts";

/** What makes something a service; at least one of these has to be there. */
const working = ["start", "run", "fetch", "consume", "consumeBatch", "aggregate", "scheduled"] as const;
const hooks = [...working, "init", "stop", "health", "reload"] as const;

/** How to make one generation of a service out of what a module exports. */
export interface Definition {
  readonly service: string;
  /** The absolute path of the module. */
  readonly module: string;
  readonly config: unknown;
  /** Throws SupervisorError NOT_A_SERVICE when a class or factory gives something else. */
  create(ctx: Context): Promise<Service> | Service;
  /**
   * Another `config:` block of the service as this code wants it; absent where nobody writes one.
   * Rejects with a ProblemsError.
   */
  check?(service: ServicePlan, locate: Locate): Promise<unknown>;
}

/**
 * Tells what an export is: a service object (a Hono app is one), a class, or a function that makes a
 * service. Only members are looked at, never a base class.
 *
 * @throws SupervisorError NOT_A_SERVICE, saying what was found and what was expected.
 */
export function creatorOf(exported: unknown, where: string): Definition["create"] {
  if (isClass(exported)) return (ctx) => asService(Reflect.construct(exported, [ctx]), `new ${where}`);
  if (isFunction(exported) && !looksLikeService(exported)) return factory(exported, where);
  const service = asService(exported, where);
  return () => service;
}

/** The export named `name`, or an error that tells which ones there are. */
export function pickExport(exports: Record<string, unknown>, name: string, module: string): unknown {
  if (name in exports) return exports[name];
  const names = Object.keys(exports);
  const usable = names.filter((each) => isFunction(exports[each]) || looksLikeService(exports[each]));
  throw missingExport(module, name, names, usable);
}

function factory(make: (...args: never[]) => unknown, where: string): Definition["create"] {
  return (ctx) => {
    const made = Reflect.apply(make, undefined, [ctx]);
    if (made instanceof Promise)
      return made.then((service) => asService(service, `what ${where}() returned`));
    return asService(made, `what ${where}() returned`);
  };
}

function asService(value: unknown, where: string): Service {
  if (looksLikeService(value)) return value as Service;
  throw new SupervisorError(
    "NOT_A_SERVICE",
    `${where} is not a service: found ${describe(value)}, expected an object with start(), run() or fetch()`,
    "Export an object, a class, a Hono app, or a function (ctx) => service, with at least one of start, run, fetch; consume or tasks for a queue, scheduled for a schedule.",
  );
}

function looksLikeService(value: unknown): boolean {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const members = value as Record<string, unknown>;
  return working.some((hook) => typeof members[hook] === "function") || hasTasks(members);
}

/** Handlers by task type. A class or a function may happen to have something else of that name. */
function hasTasks({ tasks }: Record<string, unknown>): boolean {
  if (tasks === null || typeof tasks !== "object") return false;
  return Object.values(tasks).some((handler) => typeof handler === "function");
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}

function isClass(value: unknown): value is new (ctx: Context) => unknown {
  if (typeof value !== "function" || value.prototype === undefined) return false;
  return (
    /^class\b/.test(Function.prototype.toString.call(value)) || hooks.some((hook) => hook in value.prototype)
  );
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (value instanceof Promise) return "a Promise (export what it resolves to, with await)";
  const members = Object.entries(value).slice(0, 8);
  if (members.length === 0) return "an empty object";
  return `an object with ${members.map(([name, member]) => describeMember(name, member)).join(", ")}`;
}

/** A hook that is none because it cannot be called. */
function describeMember(name: string, member: unknown): string {
  const isHook = hooks.some((hook) => hook === name);
  return isHook && typeof member !== "function" ? `${name} (a ${typeof member})` : name;
}
