import type { Clock } from "../core/clock.ts";
import type { Wait } from "../core/events.ts";

/** How long a service waits for its turn before that is told, in milliseconds. */
const patienceMs = 5_000;
/** Who has waited for nearly as long is told in the same breath: services begin to wait one by one. */
const nearlyMs = 1_000;

/** Tells of services that wait for others: what they need may never come, and nothing else would be said. */
export interface Waits {
  /** Does nothing about one that waits already. */
  begin(service: string): void;
  end(service: string): void;
  /** Tells nothing any more. */
  close(): void;
}

/** `describe` gives undefined for a service that waits for no other: it is looked at again later. */
export function createWaits(
  clock: Clock,
  describe: (service: string) => Wait | undefined,
  tell: (waits: readonly Wait[]) => void,
): Waits {
  /** Since when each waits, the longest first. */
  const untold = new Map<string, number>();
  const told = new Set<string>();
  let cancel: (() => void) | undefined;

  function arm(): void {
    const [first] = untold.values();
    if (first !== undefined) cancel ??= clock.after(first + patienceMs - clock.now(), look);
  }

  function disarm(): void {
    cancel?.();
    cancel = undefined;
  }

  function look(): void {
    cancel = undefined;
    const now = clock.now();
    const waits: Wait[] = [];
    for (const [service, since] of [...untold]) {
      if (now - since < patienceMs - nearlyMs) break;
      untold.delete(service);
      const wait = describe(service);
      if (wait) {
        waits.push(wait);
        told.add(service);
      } else untold.set(service, now);
    }
    if (waits.length > 0) tell(waits);
    arm();
  }

  return {
    begin(service) {
      if (told.has(service) || untold.has(service)) return;
      untold.set(service, clock.now());
      arm();
    },
    end(service) {
      told.delete(service);
      if (untold.delete(service) && untold.size === 0) disarm();
    },
    close() {
      untold.clear();
      disarm();
    },
  };
}
