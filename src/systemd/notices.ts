import { constants } from "node:os";
import type { StopCause } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { errnoOf } from "./failure-notice.ts";
import { statusText } from "./status-text.ts";

/** What the operator's plane sees of the process at one moment. */
export interface Sight {
  /** Milliseconds on a clock that never jumps. */
  readonly now: number;
  readonly services: readonly ServiceSnapshot[];
  /** How often each service may fail in one start and still be tried again, by its name. */
  readonly retries: Readonly<Record<string, number>>;
  /** Whether the admin listener is bound, or there is none. */
  readonly isListening: boolean;
  /** Whether the main loop has turned since the last look. */
  readonly hasTurned: boolean;
  /** Whether it has not turned for so long that nobody calls it a pause. */
  readonly isFrozen: boolean;
  readonly stop?: { readonly cause: StopCause; readonly endsAt: number } | undefined;
}

/** Decides what systemd is told, and when. Every text is one datagram. */
export interface Notices {
  /** Call it every 100 ms, oftener when something has changed. */
  look(sight: Sight): string[];
  /** A reload begins; `monotonicUs` is systemd's own clock, which is how it knows that it is no earlier one. */
  reloading(monotonicUs: bigint): string[];
  /** It has ended; `problem` says why nothing was changed. */
  reloaded(problem: string | undefined): string[];
  /** The process is about to be ended without another word from main. */
  ending(why: string): string[];
}

/** How much longer a start or a stop may take, said anew each second while it goes as planned. */
const extension = { eachMs: 1_000, ms: 5_000 } as const;

/**
 * `READY=1` when every critical service is. `WATCHDOG=1` only while the main loop turns: a service that is unwell is up
 * to its own restart policy, and killing everybody else would not help it. While the group starts, systemd's own limit is
 * pushed on as long as the loop turns and somebody is tried within the limits of services.yaml: who fails there is told by
 * us, with the reason. While it stops, as long as the loop turns and the budget lasts: within it every service has a
 * deadline, so whoever hangs is cut off by us, by name.
 */
export function createNotices(watchdogMs: number | undefined): Notices {
  let status = "";
  let isReady = false;
  let reloads = 0;
  let reloadProblem: string | undefined;
  let watchdogAt = Number.NEGATIVE_INFINITY;
  let extendedAt = Number.NEGATIVE_INFINITY;
  let isStopping = false;
  let isEnding = false;
  /** Why services have failed that have not been ready since, before the group was. */
  const failures = new Map<string, StopCause>();

  function note({ services, stop }: Sight): void {
    if (isReady || stop) return;
    for (const { name, state, reason } of services) {
      if (up.has(state)) failures.delete(name);
      else if (failing.has(state) && reason !== undefined)
        failures.set(name, { tag: "failure", service: name, message: reason });
    }
  }

  /** A start that is cut short has failed for the reason that its services had, whoever asks for the stop. */
  function causeOf({ services, stop }: Sight): StopCause | undefined {
    if (!stop || stop.cause.tag === "failure" || stop.cause.tag === "operator" || isReady) return stop?.cause;
    const critical = services.find((service) => service.critical && failures.has(service.name));
    return failures.get(critical?.name ?? "") ?? [...failures.values()][0] ?? stop.cause;
  }

  function ready({ services, isListening, stop }: Sight): string[] {
    if (isReady || stop || !isListening || !isStarted(services)) return [];
    isReady = true;
    return ["READY=1"];
  }

  function starting(sight: Sight): string[] {
    const { services, retries, stop } = sight;
    if (isReady || stop) return [];
    const isTried = services.some(
      ({ name, state, generation, failures }) =>
        (tried.has(state) || generation === 0) && failures <= (retries[name] ?? 0),
    );
    return isTried ? extended(sight, extension.ms) : [];
  }

  function stopping(sight: Sight): string[] {
    const { now, stop } = sight;
    const cause = causeOf(sight);
    if (!stop || !cause) return [];
    const told = isStopping ? [] : ["STOPPING=1", ...errnoOf(cause)];
    if (!isStopping) extendedAt = Number.NEGATIVE_INFINITY;
    isStopping = true;
    const left = stop.endsAt - now;
    // A second more than there is: what has to be told at the end takes a moment, too.
    return left <= 0 ? told : [...told, ...extended(sight, Math.min(extension.ms, left + 1_000))];
  }

  function extended({ now, isFrozen }: Sight, ms: number): string[] {
    if (isFrozen || now - extendedAt < extension.eachMs) return [];
    extendedAt = now;
    return [`EXTEND_TIMEOUT_USEC=${Math.ceil(ms) * 1_000}`];
  }

  function alive({ now, hasTurned }: Sight): string[] {
    if (watchdogMs === undefined || !hasTurned || now - watchdogAt < watchdogMs / 3) return [];
    watchdogAt = now;
    return ["WATCHDOG=1"];
  }

  function changed(sight: Sight): string[] {
    const text = statusText({
      services: sight.services,
      stop: causeOf(sight),
      isReady,
      isReloading: reloads > 0,
      reloadProblem,
    });
    if (text === status || isEnding) return [];
    status = text;
    return [`STATUS=${text}`];
  }

  return {
    look(sight) {
      note(sight);
      const lines = [
        ...ready(sight),
        ...starting(sight),
        ...stopping(sight),
        ...changed(sight),
        ...alive(sight),
      ];
      return lines.length > 0 ? [lines.join("\n")] : [];
    },
    reloading(monotonicUs) {
      reloads++;
      // Before it is ready nobody waits for a reload, and `READY=1` would come too early.
      return isReady ? [`RELOADING=1\nMONOTONIC_USEC=${monotonicUs}`] : [];
    },
    reloaded(problem) {
      reloads = Math.max(0, reloads - 1);
      reloadProblem = problem;
      return isReady && reloads === 0 ? ["READY=1"] : [];
    },
    ending(why) {
      isEnding = true;
      return [`STATUS=${oneLine(why)}\nERRNO=${constants.errno.ETIME}`];
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** Every critical service has been ready or has completed; without one, nobody is on the way any more. */
function isStarted(services: readonly ServiceSnapshot[]): boolean {
  const critical = services.filter((service) => service.critical);
  if (critical.length > 0) return critical.every(({ state }) => up.has(state));
  return services.every(({ state }) => !onTheWay.has(state));
}

const up: ReadonlySet<string> = new Set(["ready", "unhealthy", "completed"]);
/** Within limits of its own, which end in one of the others. */
const tried: ReadonlySet<string> = new Set(["loading", "starting", "stopping", "backoff"]);
const failing: ReadonlySet<string> = new Set(["stopping", "backoff", "quarantined", "failed"]);
const onTheWay: ReadonlySet<string> = new Set(["pending", "loading", "starting"]);
