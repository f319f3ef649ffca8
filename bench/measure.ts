import type { Contender } from "./contender.ts";
import type { Workshop } from "./workload.ts";

/** What the measurements share. */
export interface Bench {
  readonly workshop: Workshop;
  /** The compiled binary. */
  readonly supervisor: string;
  /** The first of the ports that are ours, enough of them for the largest workload twice. */
  readonly firstPort: number;
  readonly quick: boolean;
  /** Tells the person who waits what is being measured. */
  readonly say: (what: string) => void;
}

export type Sample<T> = (contender: Contender) => Promise<T>;

/**
 * Takes a sample of either contender in each round, in turns (A B, B A, A B, …), after one round that does
 * not count: files are then in the page cache, whoever was first.
 */
export async function interleave<T>(rounds: number, sample: Sample<T>): Promise<Record<Contender, T[]>> {
  const samples: Record<Contender, T[]> = { script: [], supervisor: [] };
  const order: Contender[] = ["script", "supervisor"];
  for (const contender of order) await sample(contender);
  for (let round = 0; round < rounds; round++) {
    for (const contender of order) samples[contender].push(await sample(contender));
    order.reverse();
  }
  return samples;
}

/** The same for each contender, of one number in each sample. */
export function pick<T>(
  samples: Record<Contender, T[]>,
  value: (sample: T) => number,
): Record<Contender, number[]> {
  return { script: samples.script.map(value), supervisor: samples.supervisor.map(value) };
}
