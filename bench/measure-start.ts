import type { Contender } from "./contender.ts";
import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave } from "./measure.ts";

export interface Size {
  readonly size: number;
  readonly rounds: number;
}

export const sizes: readonly Size[] = [
  { size: 2, rounds: 25 },
  { size: 10, rounds: 25 },
  { size: 100, rounds: 15 },
  { size: 1000, rounds: 9 },
];

/** From before the process exists until every service answers 200. */
export async function measureStart(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of sizes) {
    bench.say(`start of ${size.size} services`);
    const milliseconds = await measureStartOf(bench.supervisor, bench, size);
    const what = `start, ${size.size} services`;
    figures.push(figure(what, "ms", milliseconds, "ratio", { atMost: 1.2 }));
    if (size.size === 1000) figures.push(figure(what, "ms", milliseconds, "difference", { atMost: 150 }));
  }
  return figures;
}

/** Milliseconds of the script, and of an executable that is called as the supervisor is. */
export function measureStartOf(
  executable: string,
  { workshop, firstPort, quick }: Bench,
  { size, rounds }: Size,
): Promise<Record<Contender, number[]>> {
  const workload = workshop.workload(size, firstPort);
  return interleave(quick ? 5 : rounds, async (contender) => {
    const running = await start(contender, workload, executable);
    await running.stop();
    return running.startMs;
  });
}
