import { join, relative } from "node:path";
import process from "node:process";
import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import type { Problem } from "../../core/problem.ts";
import { sealed } from "../../core/sealed.ts";
import type { SealResult } from "../../sealing.ts";
import { sealServices, writeDenoEntry } from "../../sealing.ts";
import type { Handler } from "../handler.ts";
import { shellWord } from "../shell-word.ts";
import type { Invocation } from "../table.ts";
import { targetOf } from "../target.ts";
import type { Terminal } from "../terminal.ts";

export const command: Handler<"build"> = async ({ positionals, options }, terminal) => {
  if (sealed()) throw usage("This executable was built already", "Take the supervisor to build another one.");
  const { file, only } = targetOf(positionals);
  if (only[0] !== undefined)
    throw usage(`"${only[0]}" is not a services.yaml`, "All services of a file are sealed.");
  if (options.deno) return await buildForDeno(file, options, terminal);
  const { outfile = "app", runtime } = options;
  const isOwn = runtime === undefined && options.target === `${process.platform}-${process.arch}`;
  const target = isOwn ? undefined : options.target;
  if ((target === undefined) !== (runtime === undefined)) throw usage(...crossNeeds);
  const cross = target !== undefined && runtime !== undefined ? { cross: { target, runtime } } : {};
  const result = await sealServices({ file, outfile, ...cross });
  for (const problem of result.doubtful) terminal.err(`warning: ${sentence(problem, terminal)}\n`);
  terminal.out(told(outfile, result));
  return ExitCode.clean;
};

async function buildForDeno(file: string, options: Options, terminal: Terminal): Promise<number> {
  const { outfile = "app-deno", target, runtime } = options;
  if (target !== undefined || runtime !== undefined) {
    throw usage("--target and --runtime are not for --deno", "Give them to deno compile.");
  }
  const { supervisorTypes } = await import("../templates/supervisor-types.ts");
  const { info, doubtful, includes } = await writeDenoEntry(file, outfile, supervisorTypes);
  for (const problem of doubtful) terminal.err(`warning: ${sentence(problem, terminal)}\n`);
  const word = (path: string) => shellWord(join(outfile, path));
  const included = includes.map((path) => `--include ${word(path)} `).join("");
  terminal.out(
    `${outfile}: ${counted(info.modules.length, "file")} named. deno compile -A --config ${word("deno.json")} ${included}-o app ${word("main.ts")}\n`,
  );
  return ExitCode.clean;
}

type Options = Invocation<"build">["options"];

const crossNeeds = [
  "--target and --runtime go together",
  "Nothing is downloaded: --runtime is the supervisor, or Bun of the same version, for that target.",
] as const;

function usage(message: string, hint: string): SupervisorError {
  return new SupervisorError("USAGE", message, hint);
}

function sentence({ message, hint, position }: Problem, { cwd }: Terminal): string {
  const at = position ? `${relative(cwd, position.file)}:${position.line}:${position.column}: ` : "";
  return `${at}${message}. ${hint}`;
}

function told(outfile: string, { info, bytes }: SealResult): string {
  const { services, modules, packages, buildId, target } = info;
  const names = new Set(services.map(({ name }) => name)).size;
  const size = `${(bytes / 1_048_576).toFixed(1)} MiB`;
  return `${outfile}: ${counted(names, "service")}, ${counted(modules.length, "file")} and ${counted(packages.length, "package")} in ${size} for ${target}, build ${buildId}\n`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
