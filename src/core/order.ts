import type { DependencyCondition } from "./plan.ts";

export interface Ordered {
  readonly name: string;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
}

/**
 * The order in which services start: what nobody depends on being absent first, wave by wave; inside a
 * wave the order given. The stop is its exact reverse. Input without cycles (`config/graph.ts` sees to it).
 *
 * @example startOrder([api (needs db), db]).map((s) => s.name) // ["db", "api"]
 */
export function startOrder<T extends Ordered>(services: readonly T[]): T[] {
  const wave = waves(services);
  return [...services].sort((a, b) => (wave.get(a.name) ?? 0) - (wave.get(b.name) ?? 0));
}

/** Every service's wave: 0 for those without dependencies, else one more than their latest dependency. */
export function waves(services: readonly Ordered[]): Map<string, number> {
  const byName = new Map(services.map((service) => [service.name, service]));
  const found = new Map<string, number>();
  const waveOf = (name: string): number => {
    const known = found.get(name);
    if (known !== undefined) return known;
    found.set(name, 0);
    const needs = Object.keys(byName.get(name)?.dependsOn ?? {}).filter((need) => byName.has(need));
    const wave = needs.length === 0 ? 0 : 1 + Math.max(...needs.map(waveOf));
    found.set(name, wave);
    return wave;
  };
  for (const service of services) waveOf(service.name);
  return found;
}

/** The same in groups: services of one wave do not depend on each other, and what nobody else needs comes last. */
export function inWaves<T extends Ordered>(services: readonly T[]): T[][] {
  const wave = waves(services);
  const found: T[][] = [];
  for (const service of services) {
    const index = wave.get(service.name) ?? 0;
    found[index] ??= [];
    found[index].push(service);
  }
  return found;
}
