import type { Context, Service } from "../service/contract.ts";
import type { Vitals } from "./worker-protocol.ts";
import { hookNames, vitalCells } from "./worker-protocol.ts";

/** The same service, whose open hooks can be read from another thread while this one is frozen in one of them. */
export function markHooks(service: Service, vitals: Vitals): Service {
  const marked: Service = {};
  for (const [index, name] of hookNames.entries()) {
    if (!service[name]) continue;
    marked[name] = (ctx: Context) => whileOpen(vitals, 1 << index, () => service[name]?.(ctx));
  }
  for (const name of unmarked) {
    const hook: unknown = Reflect.get(service, name);
    if (typeof hook === "function") Reflect.set(marked, name, hook.bind(service));
    else if (hook !== undefined) Reflect.set(marked, name, hook);
  }
  return marked;
}

/** What comes from outside is counted elsewhere. */
const unmarked = [
  "health",
  "fetch",
  "reload",
  "consume",
  "consumeBatch",
  "aggregate",
  "scheduled",
  "tasks",
  "middleware",
] as const;

/** The names of the hooks that were open when `vitals` was last written. */
export function openHooks(vitals: Vitals): string[] {
  const bits = Atomics.load(vitals, vitalCells.hooks);
  return hookNames.filter((_name, index) => bits & (1 << index));
}

async function whileOpen(vitals: Vitals, bit: number, work: () => unknown): Promise<void> {
  Atomics.or(vitals, vitalCells.hooks, bit);
  try {
    await work();
  } finally {
    Atomics.and(vitals, vitalCells.hooks, ~bit);
  }
}
