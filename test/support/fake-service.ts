import type { Held } from "../../src/core/report.ts";
import { nothingHeld } from "../../src/core/report.ts";
import type { Host, HostReport, Member, StopOptions, StopOutcome } from "../../src/group/host.ts";
import type { Health } from "../../src/service/contract.ts";

export const quickRestart: Member["restart"] = {
  policy: "on-failure",
  limit: 3,
  within: 60_000,
  backoff: { min: 100, max: 1_000, factor: 2 },
  stable: 10_000,
};

/** What a fake service does in each hook of generation `generation`; absent hooks succeed at once. */
export interface FakeBehaviour {
  load?(generation: number): Promise<void> | void;
  start?(generation: number): Promise<void> | void;
  stop?(generation: number, options: StopOptions): Promise<void> | void;
  /** All generations are the same object. */
  readonly isOne?: boolean;
  health?(generation: number): Promise<Health> | Health;
  reload?(generation: number, config: unknown): Promise<boolean>;
}

/** A member without a module: writes `up NAME`, `down NAME` into `seen`, and lets a test play the host. */
export function fakeService(
  name: string,
  seen: string[] = [],
  options: Partial<Member> & { behaviour?: FakeBehaviour } = {},
): Member & { reports: HostReport[] } {
  const { behaviour = {}, ...member } = options;
  const reports: HostReport[] = [];
  return {
    name,
    critical: true,
    dependsOn: {},
    startTimeout: 30_000,
    restart: quickRestart,
    health: { interval: 1_000, timeout: 500, failures: 3 },
    replace: "start-first",
    ...member,
    reports,
    createHost(generation, report): Host {
      reports.push(report);
      return fakeHost(name, generation, seen, behaviour);
    },
  };
}

function fakeHost(name: string, generation: number, seen: string[], behaviour: FakeBehaviour): Host {
  const { reload } = behaviour;
  const held: Held = { ...nothingHeld, hooks: ["stop"] };
  return {
    isOneWith: () => behaviour.isOne ?? false,
    probes: behaviour.health !== undefined,
    async load() {
      await behaviour.load?.(generation);
    },
    async start() {
      seen.push(`starting ${name}`);
      await behaviour.start?.(generation);
      seen.push(`up ${name}`);
    },
    async health() {
      return (await behaviour.health?.(generation)) ?? { status: "pass" };
    },
    ...(reload ? { reload: (config) => reload(generation, config) } : {}),
    pause: () => void seen.push(`pause ${name} ${generation}`),
    resume: () => void seen.push(`resume ${name} ${generation}`),
    quiet() {
      seen.push(`quiet ${name}`);
    },
    async stop(stop: StopOptions): Promise<StopOutcome> {
      await behaviour.stop?.(generation, stop);
      seen.push(`down ${name}`);
      return { cutStreams: 0 };
    },
    held: () => held,
    abandon() {
      seen.push(`abandon ${name}`);
      return held;
    },
  };
}
