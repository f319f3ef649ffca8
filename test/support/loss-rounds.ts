import { seeded } from "./queue-sites.ts";
import type { Target } from "./targets.ts";

/*
 * How long the loss tests run. In CI a round or two of a few messages; the long run is one command:
 *
 *   LOSS_ROUNDS=20 LOSS_MESSAGES=10000 npx bun test --isolate test/e2e/loss
 *
 * LOSS_SEED=N repeats the kills of a run (each test prints its seed); LOSS_BROKER=redis takes one broker only.
 */
const given = process.env;
const seed = Number(given.LOSS_SEED ?? Math.floor(Math.random() * 1e9));
const isLong = given.LOSS_ROUNDS !== undefined;

export const lossMessages = Number(given.LOSS_MESSAGES ?? 2_000);

/** The source under Bun and Deno starts slower, and is the same code: one round. */
export function lossRounds({ name }: Target): number {
  return name === "binary" && isLong ? Number(given.LOSS_ROUNDS) : 1;
}

export function isLeftOut(broker: string): boolean {
  return given.LOSS_BROKER !== undefined && given.LOSS_BROKER !== broker;
}

/** For a test that runs `rounds` times. */
export function lossTimeout(rounds: number): number {
  return rounds * (60_000 + lossMessages * 20);
}

export interface Round {
  readonly number: number;
  /** 0 ≤ random() < 1; the same again with the same LOSS_SEED. */
  readonly random: () => number;
}

/** Runs `round` as often as asked for, and prints the figures that it resolves with. */
export async function repeat(
  what: string,
  target: Target,
  round: (round: Round) => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  const rounds = lossRounds(target);
  const total: Record<string, number> = {};
  const began = performance.now();
  try {
    for (let number = 0; number < rounds; number++) {
      const figures = await round({ number, random: seeded(seed + number) });
      for (const [name, value] of Object.entries(figures)) total[name] = (total[name] ?? 0) + value;
      if (isLong) console.log(`${target.name}: ${what}: round ${number + 1}: ${JSON.stringify(figures)}`);
    }
  } finally {
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    console.log(
      `${target.name}: ${what}: ${JSON.stringify({ rounds, messages: lossMessages, ...total, seconds })} LOSS_SEED=${seed}`,
    );
  }
}
