/*
 * Measures the compiled supervisor against a script that one would write by hand (baseline.ts), in turns in
 * the same minutes:
 *
 *     bun run bench [--quick] [--only NAME] [--json FILE] [--supervisor FILE]
 *
 * NAME is one of `measurements` below. docs/benchmarks.md explains the method and holds the latest table.
 * Linux only: memory is read from /proc.
 */
import { existsSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { killAll } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { isMet } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { measureFloor } from "./measure-floor.ts";
import { measureHttp } from "./measure-http.ts";
import { measureMemory } from "./measure-memory.ts";
import { measureQueue } from "./measure-queue.ts";
import { measureReload } from "./measure-reload.ts";
import { measureReplace } from "./measure-replace.ts";
import { measureSealed } from "./measure-sealed.ts";
import { measureStart } from "./measure-start.ts";
import { measureStatus } from "./measure-status.ts";
import { measureStop } from "./measure-stop.ts";
import { measureWorker } from "./measure-worker.ts";
import { renderTable } from "./table.ts";
import { freePorts, Workshop } from "./workload.ts";

const measurements = {
  start: measureStart,
  floor: measureFloor,
  sealed: measureSealed,
  rss: measureMemory,
  http: measureHttp,
  stop: measureStop,
  replace: measureReplace,
  reload: measureReload,
  worker: measureWorker,
  status: measureStatus,
  queue: measureQueue,
} satisfies Record<string, (bench: Bench) => Promise<Figure[]>>;

type Measurement = keyof typeof measurements;

const { quick, only, json, supervisor } = options();
const began = performance.now();
const workshop = new Workshop();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    cleanUp();
    process.exit(130);
  });
}
try {
  const figures = await measure();
  const machine = `${cpus().length}× ${cpus()[0]?.model ?? "CPU"}, ${process.platform} ${release()}, bun ${Bun.version}`;
  console.log(`\n${machine}, ${new Date().toISOString().slice(0, 10)}`);
  console.log(
    `median (min–max) of the rounds; supervisor against baseline within each round: the script, or what the row says\n`,
  );
  console.log(renderTable(figures));
  console.log(`\n${verdict(figures)} In ${Math.round((performance.now() - began) / 1000)} s.`);
  if (json) writeFileSync(json, `${JSON.stringify({ machine, date: new Date(), figures }, null, 2)}\n`);
} finally {
  cleanUp();
}

async function measure(): Promise<Figure[]> {
  const firstPort = await freePorts(1_010);
  const say = (what: string) => console.error(what);
  const figures: Figure[] = [];
  for (const name of only)
    figures.push(...(await measurements[name]({ workshop, supervisor, firstPort, quick, say })));
  return figures;
}

function verdict(figures: readonly Figure[]): string {
  const judged = figures.filter((figure) => figure.aim);
  return `${judged.filter(isMet).length} of ${judged.length} aims met.`;
}

function cleanUp(): void {
  killAll();
  workshop.remove();
}

function options(): { quick: boolean; only: Measurement[]; json?: string; supervisor: string } {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      json: { type: "string" },
      supervisor: { type: "string", default: join(import.meta.dirname, "../dist/supervisor") },
    },
  });
  const known = Object.keys(measurements) as Measurement[];
  const only = known.filter((name) => values.only === undefined || values.only === name);
  if (only.length === 0) stopWith(`--only ${values.only}: known are ${known.join(", ")}`);
  const supervisor = resolve(values.supervisor);
  if (!existsSync(supervisor)) stopWith(`${supervisor} does not exist; "bun build.ts" makes it`);
  return { quick: values.quick, only, supervisor, ...(values.json ? { json: resolve(values.json) } : {}) };
}

function stopWith(message: string): never {
  console.error(message);
  process.exit(64);
}
