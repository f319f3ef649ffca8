import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "./figure.ts";
import { against } from "./figure.ts";
import type { Latency, LatencyLoad } from "./latency.ts";
import { latencyDuring } from "./latency.ts";
import type { Bench } from "./measure.ts";
import type { Operated, Target } from "./operated.ts";
import { operate, targets } from "./operated.ts";
import type { Project } from "./project.ts";
import { createProject } from "./project.ts";

const replaces = 50;
const reloads = 20;
/** Fewer would put the same commands into a shorter time, which is another question. */
const load: LatencyLoad = { requests: 100_000, staying: 8, fresh: 4 };

/** Replaces through the control socket: how long one takes, and what requests notice of many. */
export async function measureReplace(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const target of targets(bench.supervisor)) {
    for (const isolation of ["inline", "worker"] as const) {
      const what = `${target.name}, ${isolation}`;
      bench.say(`replaces: ${what}`);
      const { directory } = bench.workshop;
      const project = createProject(directory, { size: 2, isolation, firstPort: bench.firstPort });
      figures.push(...(await latencyOfOne(bench, target, project, what)));
      figures.push(...(await requestsDuringMany(bench, target, project, what)));
    }
  }
  return figures;
}

/** Beside a question on the same way that changes nothing: `status`. */
async function latencyOfOne(bench: Bench, target: Target, project: Project, what: string): Promise<Figure[]> {
  const running = await operate(target, project);
  const rounds = async () => {
    const samples = { replace: [] as number[], status: [] as number[] };
    for (let round = 0; round < (bench.quick ? 15 : 40); round++) {
      samples.status.push(await running.ask("GET", "/status"));
      samples.replace.push(await running.ask("POST", `/services/${project.last}/restart`));
      await sleep(50);
    }
    return samples;
  };
  await rounds();
  const idle = await rounds();
  let loaded = idle;
  await latencyDuring(portOf(project), load, async () => {
    loaded = await rounds();
  });
  await running.stop();
  return [
    against(`replace beside status, ${what}`, "ms", idle.status, idle.replace, "ratio"),
    against(`replace beside status, under load, ${what}`, "ms", loaded.status, loaded.replace, "ratio"),
  ];
}

async function requestsDuringMany(
  bench: Bench,
  target: Target,
  project: Project,
  what: string,
): Promise<Figure[]> {
  const before: Latency[] = [];
  const during: Latency[] = [];
  for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
    const running = await operate(target, project);
    const ask = (work: () => Promise<unknown>) => latencyDuring(portOf(project), load, work);
    await ask(async () => {});
    const calm = await ask(async () => {});
    before.push(calm);
    during.push(await ask(() => operateFor(calm.tookMs, running, project)));
    await running.stop();
  }
  const figure = (key: "p50Ms" | "p99Ms" | "maxMs", unit: string, aim?: { atMost: number }) =>
    against(
      `requests during ${replaces} replaces and ${reloads} reloads, ${what}`,
      unit,
      before.map((each) => each[key]),
      during.map((each) => each[key]),
      "ratio",
      aim,
    );
  return [figure("p50Ms", "p50 ms"), figure("p99Ms", "p99 ms", { atMost: 3 }), figure("maxMs", "max ms")];
}

/** Spreads its commands over so many milliseconds, or takes longer when they do. */
async function operateFor(durationMs: number, running: Operated, project: Project): Promise<void> {
  const began = performance.now();
  for (let round = 1; round <= replaces; round++) {
    await running.ask("POST", `/services/${project.last}/restart`);
    if (round <= reloads) {
      project.edit();
      await running.ask("POST", "/reload");
    }
    await sleep(Math.max(0, began + (durationMs * round) / replaces - performance.now()));
  }
}

function portOf({ ports }: Project): number {
  return ports.at(-1) as number;
}
