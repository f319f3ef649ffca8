import { join } from "node:path";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { measureStartOf, sizes } from "./measure-start.ts";

const floors = [
  { entry: "bare", name: "floor: thread, modules, ports" },
  { entry: "reading", name: "floor: the same, and reading services.yaml" },
] as const;

/** How near to the script a compiled program could come at all; the supervisor's column holds the floor. */
export async function measureFloor(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { entry, name } of floors) {
    const executable = await compile(entry, bench.workshop.directory);
    for (const size of sizes) {
      bench.say(`${name}, ${size.size} services`);
      const milliseconds = await measureStartOf(executable, bench, size);
      figures.push(figure(`${name}, ${size.size} services`, "ms", milliseconds, "ratio"));
    }
  }
  return figures;
}

/** With the settings of build.ts. */
async function compile(entry: string, folder: string): Promise<string> {
  const source = (name: string) => join(import.meta.dirname, "floor", `${name}.ts`);
  const outfile = join(folder, `floor-${entry}`);
  await Bun.build({
    entrypoints: [source(entry), source("plane")],
    minify: true,
    bytecode: true,
    splitting: true,
    format: "esm",
    compile: {
      outfile,
      autoloadPackageJson: true,
      autoloadTsconfig: true,
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  return outfile;
}
