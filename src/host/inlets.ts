import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { PermanentError } from "../core/errors.ts";
import type { Ended } from "../core/report.ts";
import type { Service } from "../service/contract.ts";
import type { Intake, IntakeHeld, IntakeTarget, Lease } from "../service/intake.ts";

/** All the ways in which work reaches one generation of a service: HTTP, queues, a schedule. */
export interface Inlets {
  /** Throws a PermanentError when `service` cannot be reached in one of these ways. */
  assertFits(service: Service): void;
  /**
   * Resolves when work can come, or after `patience` ms: an intake that waits longer tells of its trouble by itself.
   * Undefined: there is nothing to wait for. Rejects when trying again is useless.
   */
  join(clock: Clock, patience: number): Promise<void> | undefined;
  open(service: Service, target: IntakeTarget): void;
  quiet(): void;
  pause(): void;
  resume(): void;
  /** Of all at once; also of those that were never opened. Never rejects. */
  drain(options: { readonly final: boolean }): Promise<void>;
  cut(): void;
  held(): IntakeHeld;
  readonly cutStreams: number;
  /** Undefined: nothing had to be told to end. */
  readonly ended: Ended | undefined;
}

export function createInlets(name: string, intakes: readonly Intake[]): Inlets {
  const leases = new Map<Intake, Lease>();
  return {
    assertFits(service) {
      for (const intake of intakes) {
        const lack = intake.lacks?.(service);
        if (lack !== undefined) throw new PermanentError(`Service "${name}" ${lack}`);
      }
    },
    join(clock, patience) {
      const joins = intakes.flatMap((intake) => intake.join?.() ?? []);
      return joins.length === 0 ? undefined : joinAll(joins, clock, patience);
    },
    open(service, target) {
      for (const intake of intakes) {
        if (service.fetch === undefined && intake.needsFetch) {
          throw new PermanentError(`Service "${name}" has http: but no fetch()`);
        }
        // One that says what a service may lack calls other functions than fetch.
        if (service.fetch !== undefined || intake.lacks) leases.set(intake, intake.open(target));
      }
    },
    quiet() {
      for (const intake of intakes) intake.quiet();
    },
    pause() {
      for (const intake of intakes) intake.pause();
    },
    resume() {
      for (const intake of intakes) intake.resume();
    },
    async drain(options) {
      await Promise.all(
        intakes.map((intake) => {
          const lease = leases.get(intake);
          if (!lease && options.final) intake.close();
          return lease?.drain(options);
        }),
      );
    },
    cut() {
      for (const lease of leases.values()) lease.cut();
    },
    held: () => sum([...leases.values()].map((lease) => lease.held())),
    get cutStreams() {
      let cut = 0;
      for (const lease of leases.values()) cut += lease.cutStreams;
      return cut;
    },
    get ended() {
      return endedOf([...leases.values()]);
    },
  };
}

async function joinAll(joins: readonly Promise<void>[], clock: Clock, patience: number): Promise<void> {
  const outcome = await within(clock, clock.now() + patience, Promise.all(joins));
  if (outcome.tag === "failed") throw outcome.error;
}

/** What the drains of `leases` have told to end; undefined: nothing. */
export function endedOf(leases: readonly Lease[]): Ended | undefined {
  const of = (key: keyof Ended) => leases.reduce((total, { ended }) => total + (ended?.[key] ?? 0), 0);
  const ended = { streams: of("streams"), websockets: of("websockets") };
  return ended.streams + ended.websockets > 0 ? ended : undefined;
}

function sum(all: readonly IntakeHeld[]): IntakeHeld {
  const of = (key: keyof IntakeHeld) => all.reduce((total, held) => total + (held[key] ?? 0), 0);
  const [messages, runs] = [of("messages"), of("runs")];
  return {
    requests: of("requests"),
    streams: of("streams"),
    websockets: of("websockets"),
    ...(messages > 0 ? { messages } : {}),
    ...(runs > 0 ? { runs } : {}),
  };
}
