import type { AdminPlan, Plan, ServicePlan } from "../core/plan.ts";
import type { Detail } from "./diff-details.ts";
import { detailsOf } from "./diff-details.ts";
import { differing } from "./keep-unchanged.ts";

/** What lies between two plans, each list in the order of the newer one, what is gone behind it. */
export interface PlanChange {
  readonly services: readonly ServiceChange[];
  readonly sections: readonly SectionChange[];
  /** Services stand in another order, and everything else is as it was. */
  readonly reordered: boolean;
}

export interface ServiceChange {
  readonly service: string;
  readonly kind: ServiceChangeKind;
  /** Empty for `added` and `removed`. */
  readonly details: readonly Detail[];
}

/**
 * `changed`: only a new generation knows it. `reconfigured`: nothing but `config:`. `adjusted`: the supervisor knows
 * it, and the generation that runs stays: deadlines, restart policy, dependencies, address and limits.
 */
export type ServiceChangeKind = "added" | "removed" | "changed" | "reconfigured" | "adjusted";

export interface SectionChange {
  readonly section: "name" | "admin" | "brokers" | "log" | "shutdown" | "on_unattributed";
  readonly details: readonly Detail[];
}

/** Compares two plans. Pure; details hold no secrets, so they may be printed. */
export function diffPlans(old: Plan, next: Plan): PlanChange {
  const secrets = [...new Set([...old.secrets, ...next.secrets])];
  const changed = changedServices(old.services, next.services, secrets);
  const services = withMovedBrokers(changed, old, next, secrets);
  const sections = changedSections(old, next, secrets);
  return { services, sections, reordered: services.length === 0 && isReordered(old, next) };
}

/** Whether the two plans say the same. */
export function isNothing({ services, sections, reordered }: PlanChange): boolean {
  return services.length === 0 && sections.length === 0 && !reordered;
}

function changedServices(
  old: readonly ServicePlan[],
  next: readonly ServicePlan[],
  secrets: readonly string[],
): ServiceChange[] {
  const places = differing(old, next);
  if (places) return places.flatMap((place) => changeOf(old[place], next[place] as ServicePlan, secrets));
  const before = new Map(old.map((service) => [service.name, service]));
  const after = new Set(next.map((service) => service.name));
  const come = next.flatMap((service) => changeOf(before.get(service.name), service, secrets));
  const gone = old
    .filter((service) => !after.has(service.name))
    .map((service) => ({ service: service.name, kind: "removed" as const, details: [] }));
  return [...come, ...gone];
}

/** A consumer of a broker that is another one now has to begin anew, although it says the same itself. */
function withMovedBrokers(
  changed: readonly ServiceChange[],
  old: Plan,
  next: Plan,
  secrets: readonly string[],
): readonly ServiceChange[] {
  const details = detailsOf(asBrokers(old), asBrokers(next), secrets);
  const moved = new Map(
    details.flatMap((detail) => (detail.before && detail.after ? [[detail.path, [detail]]] : [])),
  );
  if (moved.size === 0) return changed;
  const before = new Map(changed.map((change) => [change.service, change]));
  const come = next.services.flatMap(({ name: service, consume, schedule }): ServiceChange[] => {
    const known = before.get(service);
    const names = new Set([consume?.broker, schedule?.broker]);
    const more = [...names].flatMap((name) => moved.get(`brokers.${name}`) ?? []);
    if (more.length === 0 || known?.kind === "added") return known ? [known] : [];
    return [{ service, kind: "changed", details: [...(known?.details ?? []), ...more] }];
  });
  return [...come, ...changed.filter(({ kind }) => kind === "removed")];
}

function changeOf(
  was: ServicePlan | undefined,
  next: ServicePlan,
  secrets: readonly string[],
): ServiceChange[] {
  const service = next.name;
  if (!was) return [{ service, kind: "added", details: [] }];
  const details = detailsOf(was, next, secrets);
  return details.length === 0 ? [] : [{ service, kind: kindOf(was, next), details }];
}

/** What a generation is made of: any of these new, and the one that runs is out of date. */
const makings = ["module", "export", "env", "worker", "consume", "schedule"] as const;

function kindOf(old: ServicePlan, next: ServicePlan): ServiceChangeKind {
  if (makings.some((key) => !isSame(old[key], next[key]))) return "changed";
  // With its first address, or without its last one, a service is asked for other things.
  if ((old.http === undefined) !== (next.http === undefined)) return "changed";
  // A generation answers by the limits that it began with.
  if (!isSame(old.http?.limits, next.http?.limits)) return "changed";
  return isSame(old.config, next.config) ? "adjusted" : "reconfigured";
}

function changedSections(old: Plan, next: Plan, secrets: readonly string[]): SectionChange[] {
  const pairs = [
    ["name", { name: old.name }, { name: next.name }],
    ["admin", asAdmin(old.admin), asAdmin(next.admin)],
    ["brokers", asBrokers(old), asBrokers(next)],
    ["log", { log: old.log }, { log: next.log }],
    ["shutdown", { shutdown: old.shutdown }, { shutdown: next.shutdown }],
    ["on_unattributed", asUnattributed(old), asUnattributed(next)],
  ] as const;
  return pairs.flatMap(([section, was, is]) => {
    const details = detailsOf(was, is, secrets);
    return details.length === 0 ? [] : [{ section, details }];
  });
}

function asAdmin(admin: AdminPlan | false) {
  return { admin: admin === false ? { listen: false } : admin };
}

function asBrokers({ brokers = [] }: Plan) {
  return { brokers: Object.fromEntries(brokers.map(({ name, url }) => [name, url])) };
}

function asUnattributed({ onUnattributed }: Plan) {
  return { on_unattributed: onUnattributed ?? "log" };
}

function isReordered(old: Plan, next: Plan): boolean {
  return old.services.some((service, index) => service.name !== next.services[index]?.name);
}

/** Plans are plain data; the order of their keys means nothing. */
function isSame(a: unknown, b: unknown): boolean {
  return detailsOf({ value: a }, { value: b }, []).length === 0;
}
