const shortest = 100;

/**
 * How long to wait before a broker is asked again after `failures` in a row, in milliseconds: doubled from 0.1 s to
 * `longest`, and a random half of it less, so that many processes do not come back at once.
 */
export function retryDelay(failures: number, random: number, longest = 5_000): number {
  const bound = Math.min(longest, shortest * 2 ** Math.min(failures - 1, 10));
  return Math.round(bound / 2 + (random * bound) / 2);
}
