import { SupervisorError } from "../core/errors.ts";
import type { ConsumePlan, ServicePlan } from "../core/plan.ts";

/**
 * What an exported object lacks to be reached in the ways that services.yaml says; undefined: nothing. Of what only
 * makes a service, its host finds out later.
 */
export function lackOf(service: ServicePlan, exported: unknown): SupervisorError | undefined {
  if (typeof exported !== "object" || exported === null) return undefined;
  const members = exported as Record<string, unknown>;
  const has = (name: string) => typeof members[name] === "function";
  const { name, http, consume, schedule } = service;
  if (http && !has("fetch")) return lack(name, "http", "fetch(request)");
  if (consume) {
    const wanted = handlerFor(consume);
    const tasks = wanted === "consume" && typeof members.tasks === "object" && members.tasks !== null;
    if (!has(wanted) && !tasks) return lack(name, "consume", signatures[wanted], alsoFor[wanted]);
  }
  if (schedule && !schedule.enqueue && !has("scheduled")) return lack(name, "schedule", "scheduled(tick)");
  return undefined;
}

/** Whether what is exported has, or could make something that has, a run() that ends. */
export function mayComplete(exported: unknown): boolean {
  if (typeof exported !== "object" || exported === null) return true;
  return typeof (exported as Record<string, unknown>).run === "function";
}

function handlerFor({ batch, groups }: ConsumePlan): keyof typeof signatures {
  if (batch) return "consumeBatch";
  return groups ? "aggregate" : "consume";
}

const signatures = {
  consume: "consume(message)",
  consumeBatch: "consumeBatch(messages)",
  aggregate: "aggregate(group, messages)",
} as const;

const alsoFor = {
  consume: ", or tasks by type,",
  consumeBatch: ", which consume.batch asks for,",
  aggregate: ", which consume.group asks for,",
} as const;

function lack(service: string, key: string, signature: string, also = ""): SupervisorError {
  const hook = signature.slice(0, signature.indexOf("("));
  const none = also.includes("tasks") ? `no ${hook}() and no tasks` : `no ${hook}()`;
  return new SupervisorError(
    "NOT_A_SERVICE",
    `it has ${key}: but its module exports ${none}`,
    `Add ${signature}${also} to the service, or remove services.${service}.${key}.`,
  );
}
