import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import { against } from "./figure.ts";
import { latencyDuring } from "./latency.ts";
import type { Bench } from "./measure.ts";
import type { Operated } from "./operated.ts";
import { operate, targets } from "./operated.ts";
import { createProject } from "./project.ts";
import { quantileOf } from "./statistics.ts";

/** Ten questions a second while one inline service answers as fast as it is asked, beside the same when idle. */
export async function measureStatus(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const target of targets(bench.supervisor)) {
    bench.say(`status under load: ${target.name}`);
    const { directory } = bench.workshop;
    const project = createProject(directory, { size: 2, isolation: "inline", firstPort: bench.firstPort });
    const running = await operate(target, project);
    const [idle, loaded]: [number[][], number[][]] = [[], []];
    await askStatus(running, 10);
    for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
      idle.push(await askStatus(running, 50));
      const load = { requests: 1, staying: 50, fresh: 0 };
      await latencyDuring(project.ports[0] as number, load, async () => {
        await sleep(500);
        loaded.push(await askStatus(running, 50));
      });
    }
    await running.stop();
    for (const [share, unit] of quantiles) {
      const of = (rounds: number[][]) => rounds.map((times) => quantileOf(times, share));
      const what = `status under load beside idle, ${target.name}`;
      figures.push(against(what, unit, of(idle), of(loaded), "ratio"));
    }
  }
  return figures;
}

const quantiles = [
  [0.5, "p50 ms"],
  [0.99, "p99 ms"],
] as const;

async function askStatus(running: Operated, times: number): Promise<number[]> {
  const durations: number[] = [];
  for (let each = 0; each < times; each++) {
    durations.push(await running.ask("GET", "/status"));
    await sleep(100);
  }
  return durations;
}
