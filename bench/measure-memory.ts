import { setTimeout as sleep } from "node:timers/promises";
import type { Contender } from "./contender.ts";
import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave, pick } from "./measure.ts";
import type { Memory } from "./memory.ts";
import { memoryOf } from "./memory.ts";

const sizes = [2, 100, 1000] as const;
type Size = (typeof sizes)[number];
type Samples = Record<Size, Record<Contender, Memory[]>>;

/** Long enough for what follows a start (collections, tier-up of the code) to be over. */
const settleMs = 1500;

/** Resident memory of idle processes, after each service has answered one request. */
export async function measureMemory(bench: Bench): Promise<Figure[]> {
  const samples = {} as Samples;
  for (const size of sizes) {
    bench.say(`memory of ${size} services`);
    const workload = bench.workshop.workload(size, bench.firstPort);
    samples[size] = await interleave(bench.quick ? 2 : 5, async (contender) => {
      const running = await start(contender, workload, bench.supervisor);
      await sleep(settleMs);
      const memory = memoryOf(running.pid);
      await running.stop();
      return memory;
    });
  }
  const megabytes = (key: keyof Memory) => pick(samples[2], (memory) => memory[key] / 1024);
  return [
    figure("RSS, 2 services", "MB", megabytes("rss"), "value", { atMost: 45 }),
    figure("  of it anonymous", "MB", megabytes("anon"), "value"),
    figure("  of it files", "MB", megabytes("file"), "value"),
    figure("PSS, 2 services", "MB", megabytes("pss"), "value"),
    ...slopes(samples),
  ];
}

/** What one more service costs, between two sizes. */
function slopes(samples: Samples): Figure[] {
  const perService = (from: Size, to: Size): Record<Contender, number[]> => {
    const slope = (contender: Contender) =>
      samples[to][contender].map(
        ({ rss }, round) => (rss - (samples[from][contender][round] as Memory).rss) / (to - from),
      );
    return { script: slope("script"), supervisor: slope("supervisor") };
  };
  return [
    figure("RSS per service, 2 → 100", "KB", perService(2, 100), "difference"),
    figure("RSS per service, 100 → 1000", "KB", perService(100, 1000), "difference"),
    figure("RSS per service, 2 → 1000", "KB", perService(2, 1000), "difference", { atMost: 30 }),
  ];
}
