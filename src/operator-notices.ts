import type { Beacon } from "./core/beacon.ts";
import { beaconCells } from "./core/beacon.ts";
import type { Sight } from "./systemd/notices.ts";
import { createNotices } from "./systemd/notices.ts";
import type { SystemdLink } from "./systemd-link.ts";

export interface OperatorNoticesOptions {
  readonly link: SystemdLink;
  readonly watchdogMs: number | undefined;
  readonly beacon: Beacon;
  readonly sight: () => Omit<Sight, "hasTurned" | "now">;
}

/** Tells systemd how the process does, from the thread that sees main freeze. */
export interface OperatorNotices {
  /** Something has changed: tells it now. */
  look(): void;
  reloading(): void;
  reloaded(problem: string | undefined): void;
  /** The process is about to be ended without main. */
  ending(why: string): void;
  /** Looks no more. */
  close(): void;
}

const lookMs = 100;
/** The main loop beats every 50 ms; a beat that is older than this was not followed by another in time. */
const turnMs = 150;

/** Undefined when systemd does not listen. Looks ten times a second until it is closed. */
export function createOperatorNotices(options: OperatorNoticesOptions): OperatorNotices | undefined {
  const { link, beacon, watchdogMs } = options;
  const { notify } = link;
  if (!notify) return undefined;
  const notices = createNotices(watchdogMs);
  let beat = beacon[beaconCells.beat];
  let beatenAt = Number.NEGATIVE_INFINITY;

  function look(): void {
    const now = performance.now();
    const current = beacon[beaconCells.beat];
    if (current !== beat) beatenAt = now;
    beat = current;
    tell(notices.look({ ...options.sight(), now, hasTurned: now - beatenAt < turnMs }));
  }
  function tell(texts: readonly string[]): void {
    for (const text of texts) notify?.(text);
  }

  const timer = setInterval(look, lookMs);
  return {
    look,
    reloading() {
      tell(notices.reloading(link.monotonicUs()));
      look();
    },
    reloaded(problem) {
      tell(notices.reloaded(problem));
      look();
    },
    ending: (why) => tell(notices.ending(why)),
    close: () => clearInterval(timer),
  };
}
