import type { Plan, ServicePlan } from "../core/plan.ts";

/**
 * `next` made of the parts of `old` wherever both say the same: whoever asks afterwards what has changed compares
 * objects by identity, however many services there are. Frozen as `next` is.
 */
export function keepUnchanged(old: Plan, next: Plan): Plan {
  const places = differing(old.services, next.services);
  const services = places
    ? keepAt(places, old.services, next.services)
    : keepByName(old.services, next.services);
  // Of a plan of which only the changes were read: freezing so long a list once more would cost more than all of this.
  if (services === next.services) return next;
  return Object.freeze({ ...next, services: Object.freeze(services) });
}

/** The places where two lists of the same services in the same order differ; undefined when they are not such lists. */
export function differing(
  some: readonly ServicePlan[],
  others: readonly ServicePlan[],
): readonly number[] | undefined {
  if (some.length !== others.length) return undefined;
  const found: number[] = [];
  for (let index = 0; index < some.length; index++) {
    const [one, other] = [some[index], others[index]];
    if (one === other) continue;
    if (one?.name !== other?.name) return undefined;
    found.push(index);
  }
  return found;
}

/** `next` made of what `old` says the same; itself when that is what it is made of already. */
export function keepParts(old: ServicePlan, next: ServicePlan): ServicePlan {
  if (isSame(old, next)) return old;
  const parts = Object.entries(next);
  if (parts.every(([key, value]) => isKept(old[key as keyof ServicePlan], value))) return next;
  const kept = parts.map(([key, value]) => {
    const was = old[key as keyof ServicePlan];
    return [key, isSame(was, value) ? was : value];
  });
  return Object.freeze(Object.fromEntries(kept));
}

function keepAt(
  places: readonly number[],
  old: readonly ServicePlan[],
  next: readonly ServicePlan[],
): readonly ServicePlan[] {
  let kept: ServicePlan[] | undefined;
  for (const place of places) {
    const [was, is] = [old[place] as ServicePlan, next[place] as ServicePlan];
    const service = keepParts(was, is);
    if (service === is) continue;
    kept ??= next.slice();
    kept[place] = service;
  }
  return kept ?? next;
}

function keepByName(old: readonly ServicePlan[], next: readonly ServicePlan[]): readonly ServicePlan[] {
  const before = new Map(old.map((service) => [service.name, service]));
  return next.map((service) => {
    const was = before.get(service.name);
    return was ? keepParts(was, service) : service;
  });
}

function isKept(was: unknown, value: unknown): boolean {
  return Object.is(was, value) || !isSame(was, value);
}

/** Of plain data. The order of keys counts: a false "no" costs a look at the details, a false "yes" a lost change. */
export function isSame(a: unknown, b: unknown): boolean {
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
