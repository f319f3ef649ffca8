import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAs } from "./contender.ts";
import type { Figure } from "./figure.ts";
import { figure } from "./figure.ts";
import type { Bench } from "./measure.ts";
import { interleave } from "./measure.ts";
import { sizes } from "./measure-start.ts";
import type { Workload } from "./workload.ts";

/**
 * The start of a sealed executable beside that of a script with the same modules, which somebody has compiled by hand with
 * the same settings.
 */
export async function measureSealed(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { size, rounds } of sizes) {
    if (size !== 2 && size !== 100) continue;
    bench.say(`start of ${size} services, sealed`);
    const workload = bench.workshop.workload(size, bench.firstPort);
    const commands = { script: compiledScript(workload), supervisor: sealed(workload, bench.supervisor) };
    const milliseconds = await interleave(bench.quick ? 5 : rounds, async (contender) => {
      const running = await startAs(contender, [commands[contender]], workload);
      await running.stop();
      return running.startMs;
    });
    figures.push(figure(`start, ${size} services, sealed`, "ms", milliseconds, "ratio", { atMost: 1.2 }));
  }
  return figures;
}

function compiledScript({ directory, list, size }: Workload): string {
  const entry = join(directory, `compiled-${size}.ts`);
  const executable = join(directory, `compiled-${size}`);
  writeFileSync(entry, scriptOf(list));
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm"];
  run(process.execPath, ["build", ...flags, entry, "--outfile", executable], directory);
  return executable;
}

/** What baseline.ts does, with the modules named: so that the compiler sees them. */
function scriptOf(list: string): string {
  const entries: { module: string; port: number }[] = JSON.parse(readFileSync(list, "utf8"));
  const imports = entries.map(({ module }, index) => `import s${index} from ${JSON.stringify(module)};`);
  const servers = entries.map(
    ({ port }, index) => `  Bun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: s${index}.fetch }),`,
  );
  return `${imports.join("\n")}
const servers = [
${servers.join("\n")}
];
process.on("SIGTERM", async () => {
  for (const server of servers.reverse()) await server.stop();
  process.exit(0);
});
`;
}

function sealed({ directory, yaml, size }: Workload, supervisor: string): string {
  const executable = join(directory, `sealed-${size}`);
  run(supervisor, ["build", yaml, "-o", executable], directory);
  return executable;
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
