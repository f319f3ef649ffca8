import type { Plan, ServicePlan } from "../core/plan.ts";

/**
 * `next` made of the parts of `old` wherever both say the same: whoever asks afterwards what has changed compares
 * objects by identity, however many services there are. Frozen as `next` is.
 */
export function keepUnchanged(old: Plan, next: Plan): Plan {
  const before = new Map(old.services.map((service) => [service.name, service]));
  const services = next.services.map((service) => {
    const was = before.get(service.name);
    return was ? keepParts(was, service) : service;
  });
  return Object.freeze({ ...next, services: Object.freeze(services) });
}

function keepParts(old: ServicePlan, next: ServicePlan): ServicePlan {
  if (isSame(old, next)) return old;
  const kept = Object.entries(next).map(([key, value]) => {
    const was = old[key as keyof ServicePlan];
    return [key, isSame(was, value) ? was : value];
  });
  return Object.freeze(Object.fromEntries(kept));
}

/** Of plain data. The order of keys counts: a false "no" costs a look at the details, a false "yes" a lost change. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  const others = Object.keys(b);
  if (keys.length !== others.length) return false;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as keyof object;
    if (key !== others[index] || !isSame(a[key], b[key])) return false;
  }
  return true;
}
