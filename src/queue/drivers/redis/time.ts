import type { Clock } from "../../../core/clock.ts";

/** Times as the scripts take them. */
export interface Times {
  /** Whole milliseconds since 1970. */
  ms(): number;
  /** Whole microseconds; each of the next `many` after the ones before, so that tasks keep the order of their calls. */
  micros(many: number): number;
  /** The score of a lease that ends in `lease` ms: seconds, and never whole ones (see lua/claim.ts). */
  leaseScore(lease: number): string;
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
    leaseScore: (lease) => `${((ms() + Math.round(lease)) / 1000).toFixed(3)}5`,
  };
}
