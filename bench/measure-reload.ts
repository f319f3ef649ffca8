import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import { against } from "./figure.ts";
import type { Latency } from "./latency.ts";
import { latencyDuring } from "./latency.ts";
import type { Bench } from "./measure.ts";
import type { Operated, Target } from "./operated.ts";
import { operate, targets } from "./operated.ts";
import type { Project } from "./project.ts";
import { createProject } from "./project.ts";

const few = 10;
const sizes = [100, 1000] as const;

/** One service of many has another `config:`; beside the same among few, in turns. */
export async function measureReload(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const target of targets(bench.supervisor)) {
    for (const size of sizes) figures.push(...(await measureSize(bench, target, size)));
  }
  return figures;
}

async function measureSize(bench: Bench, target: Target, size: number): Promise<Figure[]> {
  bench.say(`reload of 1 among ${size}: ${target.name}`);
  const create = (size: number, firstPort: number) =>
    createProject(bench.workshop.directory, { size, isolation: "inline", firstPort });
  const among = [create(few, bench.firstPort), create(size, bench.firstPort + few)] as const;
  const running = [await operate(target, among[0]), await operate(target, among[1])] as const;
  await sleep(1_500);
  const times = [[], []] as [number[], number[]];
  for (let round = 0; round < (bench.quick ? 12 : 30); round++) {
    for (const side of [0, 1] as const) {
      const tookMs = await reload(running[side], among[side]);
      // The first ones load and compile the code that reloads.
      if (round >= 2) times[side].push(tookMs);
      await sleep(100);
    }
  }
  const others = size === 1000 ? await othersDuring(bench, running[1], among[1], target) : [];
  await Promise.all(running.map((each) => each.stop()));
  const what = `reload of 1 among ${size} beside 1 among ${few}, ${target.name}`;
  return [against(what, "ms", times[0], times[1], "ratio"), ...others];
}

/** What another service's clients notice: a request at a time, with reloads and without. */
async function othersDuring(
  bench: Bench,
  running: Operated,
  project: Project,
  target: Target,
): Promise<Figure[]> {
  const ask = (work: () => Promise<unknown>) =>
    latencyDuring(project.ports[0] as number, { requests: 1, staying: 1, fresh: 0 }, work);
  const [calm, during]: [Latency[], Latency[]] = [[], []];
  for (let round = 0; round < (bench.quick ? 5 : 10); round++) {
    calm.push(await ask(() => sleep(1_000)));
    during.push(
      await ask(async () => {
        for (let each = 0; each < 5; each++) {
          await reload(running, project);
          await sleep(180);
        }
      }),
    );
  }
  const figure = (key: "p99Ms" | "maxMs", unit: string) =>
    against(
      `another service during 5 reloads a second among ${project.ports.length}, ${target.name}`,
      unit,
      calm.map((each) => each[key]),
      during.map((each) => each[key]),
      "difference",
    );
  return [figure("p99Ms", "p99 ms"), figure("maxMs", "max ms")];
}

function reload(running: Operated, project: Project): Promise<number> {
  project.edit();
  return running.ask("POST", "/reload");
}
