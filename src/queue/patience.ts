const shortest = 100;
const longest = 1_000;

/**
 * How long to wait before a broker is asked again after `failures` in a row, in milliseconds: doubled from 0.1 s to
 * 1 s, and a random half of it less, so that many processes do not come back at once. A service is unhealthy until it
 * has been asked: longer would keep it so when the broker is there again.
 */
export function retryDelay(failures: number, random: number): number {
  const bound = Math.min(longest, shortest * 2 ** Math.min(failures - 1, 10));
  return Math.round(bound / 2 + (random * bound) / 2);
}
