import type { Clock } from "../core/clock.ts";
import { SupervisorError } from "../core/errors.ts";
import type { Host, Member } from "./host.ts";
import { probeInTime } from "./patience.ts";
import type { ChildEvent, ChildState } from "./state.ts";
import { isTroubled } from "./state.ts";

/** The service that is asked, as it is at the time of each question. */
export interface HealthSubject {
  readonly state: ChildState;
  readonly host: Host | undefined;
  readonly member: Member;
  /** Calls back after `delay` ms, unless the state changes before. */
  later(delay: number, callback: () => void): void;
  apply(event: ChildEvent): void;
  failed(generation: number, error: unknown): void;
}

/** Asks a service how it is, again and again, and counts the answers that are bad. */
export interface HealthWatch {
  /**
   * Asks once after the interval, where the service can be asked; what follows depends on the answer. Not while what its
   * work comes from is away: its answer would be about that.
   */
  askLater(): void;
  /** Another generation: the bad answers of the one before do not count. */
  forget(): void;
}

export function createHealthWatch(subject: HealthSubject, clock: Clock): HealthWatch {
  let strikes = 0;

  function askLater(): void {
    if (subject.host?.probes && !isTroubled(subject.state))
      subject.later(subject.member.health.interval, () => void ask());
  }
  async function ask(): Promise<void> {
    const { state, host, member } = subject;
    const reason = await probeInTime(host as Host, member, clock);
    if (subject.state !== state) return;
    if (reason === undefined) well(state);
    else unwell(state, reason);
  }
  function well(state: ChildState): void {
    strikes = 0;
    if (state.tag === "unhealthy") subject.apply({ tag: "well" });
    else askLater();
  }
  function unwell(state: ChildState, reason: string): void {
    const { name, health } = subject.member;
    strikes += 1;
    if (strikes >= health.failures) subject.failed(state.generation, unhealthy(name, strikes, reason));
    else if (state.tag === "ready") subject.apply({ tag: "unwell", reason });
    else askLater();
  }
  return {
    askLater,
    forget() {
      strikes = 0;
    },
  };
}

function unhealthy(name: string, strikes: number, reason: string): SupervisorError {
  return new SupervisorError(
    "UNHEALTHY",
    `Service "${name}": ${strikes} health probes in a row failed: ${reason}`,
    "See what health() of the service checks; health.failures sets how many are tolerated.",
  );
}
