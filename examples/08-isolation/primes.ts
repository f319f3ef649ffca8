import type { Context, Service } from "supervisor";

/** Counts the primes below a bound, the slow way: nothing else runs on its thread meanwhile. */
export default function primes(ctx: Context): Service {
  return {
    fetch(request) {
      const below = Number(new URL(request.url).searchParams.get("below")?.replace("forever", "Infinity"));
      return Response.json({ below, primes: countPrimes(below), thread: ctx.env.SUPERVISOR_INSTANCE });
    },
  };
}

function countPrimes(below: number): number {
  let count = 0;
  for (let candidate = 2; candidate < below; candidate++) if (isPrime(candidate)) count++;
  return count;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}
