import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import { against } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { memoryOf } from "./memory.ts";
import type { Target } from "./operated.ts";
import { operate, targets } from "./operated.ts";
import { createProject } from "./project.ts";

const sizes = [1, 10] as const;
/** As for the memory of inline services: what follows a start is over. */
const settleMs = 3_000;

interface Sample {
  readonly startMs: number;
  readonly megabytes: number;
}

/** Services in threads of their own, beside the same ones inline. */
export async function measureWorker(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const target of targets(bench.supervisor)) {
    for (const size of sizes) figures.push(...(await measureSize(bench, target, size)));
  }
  return figures;
}

async function measureSize(bench: Bench, target: Target, size: number): Promise<Figure[]> {
  bench.say(`${size} workers: ${target.name}`);
  const create = (isolation: "inline" | "worker") =>
    createProject(bench.workshop.directory, { size, isolation, firstPort: bench.firstPort });
  const projects = { inline: create("inline"), worker: create("worker") };
  const samples = { inline: [] as Sample[], worker: [] as Sample[] };
  for (let round = 0; round <= (bench.quick ? 3 : 7); round++) {
    for (const isolation of ["inline", "worker"] as const) {
      const running = await operate(target, projects[isolation]);
      if (round > 0) await sleep(settleMs);
      const sample = { startMs: running.startMs, megabytes: memoryOf(running.pid).rss / 1024 };
      // The first round brings the files into the page cache.
      if (round > 0) samples[isolation].push(sample);
      await running.stop();
    }
  }
  const compare = (what: string, unit: string, value: (sample: Sample) => number) =>
    against(
      `${what}, ${target.name}`,
      unit,
      samples.inline.map(value),
      samples.worker.map(value),
      "difference",
    );
  const services = size === 1 ? "1 worker" : `${size} workers`;
  return [
    compare(`start with ${services} beside inline`, "ms", ({ startMs }) => startMs),
    compare(`RSS per service, ${services} beside inline`, "MB", ({ megabytes }) => megabytes / size),
  ];
}
