import type { ReloadCounts } from "../core/reload-counts.ts";
import { countReload, noReloads } from "../core/reload-counts.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { LogStore } from "./log-store.ts";
import { createLogStore } from "./log-store.ts";
import type { OperatorData, OperatorPlan, ReloadStatus, ToOperator } from "./protocol.ts";

/** What the operator's plane has been told by main: all that it has while main is frozen. */
export interface Known {
  /** In the order of services.yaml. */
  readonly services: ReadonlyMap<string, ServiceSnapshot>;
  /** Where each service listens; the supervisor itself is "". */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  readonly logs: LogStore;
  /** As lines of JSON. */
  readonly events: LogStore;
  /** How the last reload went. */
  readonly reload: ReloadStatus | undefined;
  readonly reloads: ReloadCounts;
  /** Of services with a queue or a schedule, by their names. */
  readonly work: ReadonlyMap<string, ServiceWork>;
  take(message: Told): void;
}

export type Told = Extract<ToOperator, { type: "changed" | "events" | "lines" | "plan" | "reload" | "work" }>;

/** `redact` takes secrets out of a text. */
export function createKnown(data: OperatorData, redact: (text: string) => string): Known {
  const services = new Map(data.services.map((service) => [service.name, asPending(service)]));
  const addresses = new Map<string, string[]>();
  const logs = createLogStore();
  const events = createLogStore();
  let reload: ReloadStatus | undefined;
  let reloads = noReloads;
  let work: ReadonlyMap<string, ServiceWork> = new Map();
  let names: ReadonlySet<string> = new Set(services.keys());
  return {
    get reload() {
      return reload;
    },
    get reloads() {
      return reloads;
    },
    get work() {
      return work;
    },
    services,
    addresses,
    logs,
    events,
    take(message) {
      switch (message.type) {
        case "changed":
          for (const snapshot of JSON.parse(message.snapshots) as ServiceSnapshot[]) {
            services.set(snapshot.name, snapshot);
          }
          for (const name of services.keys())
            if (!names.has(name) && isGone(services.get(name))) services.delete(name);
          break;
        case "plan":
          names = new Set(message.plan.names);
          for (const name of message.plan.moved) addresses.delete(name);
          arrange(services, message.plan);
          break;
        case "work":
          work = new Map(Object.entries(JSON.parse(message.work) as Record<string, ServiceWork>));
          break;
        case "reload":
          reload = message.reload;
          reloads = countReload(reloads, message.result, reload.at);
          break;
        case "events":
          for (const [service, url] of JSON.parse(message.listening) as [string, string][])
            listen(addresses, service, url);
          if (message.dropped > 0)
            events.add("", `${JSON.stringify({ type: "dropped", count: message.dropped })}\n`);
          for (const line of redact(message.lines).split("\n")) if (line) events.add("", `${line}\n`);
          break;
        case "lines":
          if (message.dropped > 0)
            logs.add("", `${JSON.stringify({ type: "dropped", count: message.dropped })}\n`);
          for (let index = 0; index + 1 < message.lines.length; index += 2) {
            logs.add(message.lines[index] as string, message.lines[index + 1] as string);
          }
          break;
      }
    },
  };
}

/** In the order of the new plan; what was removed is told of until it has ended. */
function arrange(services: Map<string, ServiceSnapshot>, plan: OperatorPlan): void {
  const before = new Map(services);
  services.clear();
  const critical = new Map(plan.services.map((service) => [service.name, service.critical]));
  for (const name of plan.names) {
    services.set(name, before.get(name) ?? asPending({ name, critical: critical.get(name) ?? true }));
    before.delete(name);
  }
  for (const [name, snapshot] of before) if (!isGone(snapshot)) services.set(name, snapshot);
}

function isGone(snapshot: ServiceSnapshot | undefined): boolean {
  return snapshot === undefined || gone.has(snapshot.state);
}

const gone: ReadonlySet<string> = new Set(["stopped", "completed", "failed", "backoff", "quarantined"]);

function listen(addresses: Map<string, string[]>, service: string, url: string): void {
  const known = addresses.get(service);
  if (!known) addresses.set(service, [url]);
  else if (!known.includes(url)) known.push(url);
}

function asPending({ name, critical }: { name: string; critical: boolean }): ServiceSnapshot {
  return { name, critical, state: "pending", generation: 0, since: Date.now(), failures: 0 };
}
