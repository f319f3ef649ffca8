import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave } from "./measure.ts";

const sizes = [
  { size: 2, rounds: 25 },
  { size: 10, rounds: 25 },
  { size: 100, rounds: 15 },
  { size: 1000, rounds: 9 },
];

/** From before the process exists until every service answers 200. */
export async function measureStart(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { size, rounds } of sizes) {
    bench.say(`start of ${size} services`);
    const workload = bench.workshop.workload(size, bench.firstPort);
    const milliseconds = await interleave(bench.quick ? 5 : rounds, async (contender) => {
      const running = await start(contender, workload, bench.supervisor);
      await running.stop();
      return running.startMs;
    });
    const what = `start, ${size} services`;
    figures.push(figure(what, "ms", milliseconds, "ratio", { atMost: 1.2 }));
    if (size === 1000) figures.push(figure(what, "ms", milliseconds, "difference", { atMost: 150 }));
  }
  return figures;
}
