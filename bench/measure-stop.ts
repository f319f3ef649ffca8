import { setTimeout as sleep } from "node:timers/promises";
import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave } from "./measure.ts";

const sizes = [
  { size: 2, rounds: 15 },
  { size: 1000, rounds: 9 },
];
const idleMs = 300;

/** From SIGTERM to the end of an idle process. */
export async function measureStop(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { size, rounds } of sizes) {
    bench.say(`stop of ${size} services`);
    const workload = bench.workshop.workload(size, bench.firstPort);
    const milliseconds = await interleave(bench.quick ? 3 : rounds, async (contender) => {
      const running = await start(contender, workload, bench.supervisor);
      await sleep(idleMs);
      return running.stop();
    });
    const aim = size === 1000 ? { atMost: 100 } : undefined;
    figures.push(figure(`stop, ${size} services`, "ms", milliseconds, "difference", aim));
  }
  return figures;
}
