import process from "node:process";
import { beaconCells } from "../core/beacon.ts";
import type { Address } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { StopCause } from "../core/report.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { Known } from "./known.ts";
import type { OperatorData, ReloadStatus } from "./protocol.ts";

/** What `GET /api/v1/status` answers. Times are milliseconds since 1970 unless their name ends in `Ms`. */
export interface Status {
  /** The version of this JSON: members may be added to it, none changes or goes. */
  readonly apiVersion: "v1";
  readonly name: string;
  readonly pid: number;
  readonly runtime: string;
  /** The services.yaml that it runs. */
  readonly file: string;
  readonly startedAt: number;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  /** `frozen`: a service blocks the event loop; what is told below is from before. */
  readonly state: "starting" | "running" | "stopping" | "frozen";
  readonly stopping?: { readonly cause: StopCause; readonly since: number };
  readonly frozen?: FrozenLoop;
  readonly loop?: LoopStatus;
  /** Where the supervisor's own HTTP listens. */
  readonly admin?: string;
  /** How the last reload of the file went; absent before the first. */
  readonly reload?: ReloadStatus;
  readonly services: readonly ServiceStatus[];
}

export interface ServiceStatus extends ServiceSnapshot, ServiceWork {
  /** Where it can be reached. */
  readonly urls: readonly string[];
  /** The longest time for which its code has kept the event loop from everybody; absent below 20 ms. */
  readonly longestStretch?: StretchStatus;
}

export interface LoopStatus {
  /** How late the event loop was over the last minute. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export interface StretchStatus {
  /** At least so long, in milliseconds: up to 50 of it cannot be seen. */
  readonly ms: number;
  /** Whether its code was seen at it; otherwise it was the last to run before. */
  readonly certain: boolean;
  readonly at: number;
}

export interface FrozenLoop {
  /** Who blocks it, as a sentence. */
  readonly message: string;
  readonly forMs: number;
  readonly service?: string;
}

export interface StatusSource {
  readonly data: OperatorData;
  readonly known: Pick<Known, "services" | "addresses" | "reload" | "work">;
  /** What the admin listener is bound to. */
  readonly admin?: Address;
  readonly frozen?: FrozenLoop;
  readonly stopping?: { readonly cause: StopCause; readonly since: number };
  readonly loop?: LoopStatus;
  /** By the name of a service. */
  readonly longest: (service: string) => StretchStatus | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly rssBytes: number;
}

export function statusOf(source: StatusSource): Status {
  const { data, known, admin, frozen, stopping, loop, longest, now, rssBytes } = source;
  const { name, file, startedAt, beacon } = data;
  const started = beacon[beaconCells.started] !== 0 ? "running" : "starting";
  return {
    apiVersion: "v1",
    name,
    pid: process.pid,
    runtime: runtimeName(),
    file,
    startedAt,
    uptimeMs: Math.max(0, now - startedAt),
    rssBytes,
    state: frozen ? "frozen" : stopping ? "stopping" : started,
    ...(stopping ? { stopping } : {}),
    ...(frozen ? { frozen } : {}),
    ...(loop ? { loop } : {}),
    ...(admin ? { admin: urlOf(admin) } : {}),
    ...(known.reload ? { reload: known.reload } : {}),
    services: [...known.services.values()].map((service) => {
      const longestStretch = longest(service.name);
      const urls = known.addresses.get(service.name) ?? [];
      const work = known.work.get(service.name);
      return { ...service, urls, ...(longestStretch ? { longestStretch } : {}), ...work };
    }),
  };
}

function urlOf(admin: Address): string {
  const address = formatAddress(admin);
  return address.startsWith("unix:") ? address : `http://${address}`;
}

function runtimeName(): string {
  const { bun, deno } = process.versions;
  return bun ? `bun ${bun}` : `deno ${deno}`;
}
