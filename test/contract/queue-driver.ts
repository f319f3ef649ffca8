import type { Clock } from "../../src/core/clock.ts";
import type { Driver } from "../../src/queue/driver.ts";
import type { Case } from "./http-setup.ts";
import { enqueueCases } from "./queue-enqueue.ts";
import { groupCases } from "./queue-groups.ts";
import { inspectorCases } from "./queue-inspector.ts";
import { keyCases } from "./queue-keys.ts";
import { leaseCases } from "./queue-leases.ts";
import { receiveCases } from "./queue-receive.ts";
import { scheduleCases } from "./queue-schedules.ts";
import { settleCases } from "./queue-settle.ts";

/** A driver under test: what the suite needs from it. */
export interface DriverHarness {
  /** The driver cannot do these, by its nature; their cases are left out. */
  readonly lacks?: readonly Ability[];
  /** A broker with nothing in it. */
  start(): Promise<DriverSite>;
}

/**
 * `outlives`: tasks outlive every driver being closed. `dead owners`: what a process held that has died is recovered
 * as soon as somebody connects. `restart`: the broker can be stopped and started again.
 */
export type Ability = "outlives" | "dead owners" | "restart";

export interface DriverSite extends AsyncDisposable {
  /** The clock of its drivers. */
  readonly clock: Clock;
  /** The smallest stretch of time that makes a difference to the broker, in milliseconds. */
  readonly unit: number;
  /** Lets time pass, and all that is due then happen. */
  pass(ms: number): Promise<void>;
  /** Resolves when everything that needs no time to pass has happened. */
  quiet(): Promise<void>;
  /** Another driver on the same broker, connected; the site closes it. `owner` is a new one of this process by default. */
  open(owner?: string): Promise<Driver>;
  /** An owner (`HOST:PID:UNIQUE`) whose process has died. Absent without "dead owners". */
  deadOwner?(): string;
  /** Absent without "restart". */
  stop?(): Promise<void>;
  restart?(): Promise<void>;
}

/** All that is promised in src/queue/driver.ts. */
export function queueDriverCases(harness: DriverHarness): readonly Case[] {
  const all = [
    ...enqueueCases,
    ...receiveCases,
    ...leaseCases,
    ...settleCases,
    ...keyCases,
    ...groupCases,
    ...inspectorCases,
    ...scheduleCases,
  ];
  return all
    .filter(({ needs }) => needs === undefined || !harness.lacks?.includes(needs))
    .map(({ name, run }) => ({
      name,
      async run() {
        await using site = await harness.start();
        await run(site);
      },
    }));
}
