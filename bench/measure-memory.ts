import { setTimeout as sleep } from "node:timers/promises";
import type { Contender } from "./contender.ts";
import { start } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave, pick } from "./measure.ts";
import type { Memory } from "./memory.ts";
import { memoryOf } from "./memory.ts";
import { path } from "./workload.ts";

const sizes = [2, 100, 1000] as const;
type Size = (typeof sizes)[number];
type Samples = Record<Size, Record<Contender, Usage[]>>;

/** Long enough for what follows a start or a load (collections, pages given back) to be over. */
const settleMs = 3000;
const requests = 10_000;
const connections = 50;

interface Usage {
  /** Each service has answered one request. */
  readonly idle: Memory;
  /** The first one has answered many, and is idle again. */
  readonly used: Memory;
}

/** Resident memory of processes that have started, and of the same ones after they have worked. */
export async function measureMemory(bench: Bench): Promise<Figure[]> {
  const samples = {} as Samples;
  for (const size of sizes) {
    bench.say(`memory of ${size} services`);
    const workload = bench.workshop.workload(size, bench.firstPort);
    samples[size] = await interleave(bench.quick ? 2 : 5, async (contender) => {
      const running = await start(contender, workload, bench.supervisor);
      await sleep(settleMs);
      const idle = memoryOf(running.pid);
      await load(workload.ports[0] as number);
      await sleep(settleMs);
      const used = memoryOf(running.pid);
      await running.stop();
      return { idle, used };
    });
  }
  const megabytes = (key: keyof Memory) => pick(samples[2], ({ idle }) => idle[key] / 1024);
  const used = pick(samples[2], ({ used }) => used.rss / 1024);
  return [
    figure("RSS, 2 services", "MB", megabytes("rss"), "value", { atMost: 45 }),
    figure("  of it anonymous", "MB", megabytes("anon"), "value"),
    figure("  of it files", "MB", megabytes("file"), "value"),
    figure("PSS, 2 services", "MB", megabytes("pss"), "value"),
    figure(`RSS, 2 services, after ${requests.toLocaleString("en")} requests`, "MB", used, "value"),
    ...slopes(samples),
  ];
}

async function load(port: number): Promise<void> {
  let left = requests;
  const client = async () => {
    for (; left > 0; left--) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`port ${port} answered ${response.status}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
}

/** What one more service costs, between two sizes. */
function slopes(samples: Samples): Figure[] {
  const perService = (from: Size, to: Size): Record<Contender, number[]> => {
    const slope = (contender: Contender) =>
      samples[to][contender].map(
        ({ idle }, round) => (idle.rss - (samples[from][contender][round] as Usage).idle.rss) / (to - from),
      );
    return { script: slope("script"), supervisor: slope("supervisor") };
  };
  return [
    figure("RSS per service, 2 → 100", "KB", perService(2, 100), "difference"),
    figure("RSS per service, 100 → 1000", "KB", perService(100, 1000), "difference"),
    figure("RSS per service, 2 → 1000", "KB", perService(2, 1000), "difference", { atMost: 30 }),
  ];
}
