import type { Clock } from "../../../core/clock.ts";

/** Times as the scripts take them. */
export interface Times {
  /** Whole milliseconds since 1970. */
  ms(): number;
  /** Whole microseconds; each of the next `many` after the ones before, so that tasks keep the order of their calls. */
  micros(many: number): number;
  /** When a lease of `lease` ms ends: whole seconds, the fraction of its score is its token (lua/prelude.ts). */
  leaseEnd(lease: number): number;
}

export function createTimes(clock: Clock): Times {
  const ms = () => Math.floor(clock.wall());
  let last = 0;
  return {
    ms,
    micros(many) {
      const first = Math.max(last + 1, ms() * 1000);
      last = first + many;
      return first;
    },
    leaseEnd: (lease) => Math.ceil((ms() + lease) / 1000),
  };
}
