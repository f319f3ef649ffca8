import { afterAll } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** How a command line for the supervisor is called with a sealed executable. */
export interface SealedCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

const isYaml = (word: string) => /\.ya?ml$/.test(word) && !word.startsWith("-");
/** These say which file they are about. Others ask whoever runs: any executable can. */
const aboutFile = new Set(["run", "check", "plan", "graph", "doctor"]);

/**
 * Seals the services.yaml that `args` name with the binary, once for each text and folder, and leaves it out of the
 * arguments. What cannot be built is built by the call itself: then its problems are what the test reads.
 */
export function sealedCall(binary: string, args: readonly string[], cwd: string): SealedCall {
  const [command = "", ...rest] = args;
  if (!aboutFile.has(command)) return { command: last ?? binary, args, cwd };
  const named = rest.find(isYaml);
  const file = resolve(cwd, named ?? "services.yaml");
  const built = build(binary, file);
  if (!built) return { command: binary, args: ["build", file, "-o", join(folder(), "failed")], cwd };
  last = built;
  // What is not sealed is found from the working directory, as it was from the folder of the file.
  return { command: built, args: [command, ...rest.filter((word) => word !== named)], cwd: dirname(file) };
}

let last: string | undefined;
let made: string | undefined;
const executables = new Map<string, string>();

/** Each has 110 MiB: a few are kept. One that runs goes on without its file. */
const most = 6;

function build(binary: string, file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const key = keyOf(file);
  const known = executables.get(key);
  if (known !== undefined) return known;
  const executable = join(folder(), `${basename(dirname(file))}-${key.slice(0, 12)}`);
  const { status } = spawnSync(binary, ["build", file, "-o", executable]);
  if (status !== 0) return undefined;
  executables.set(key, executable);
  const [oldest, path] = executables.entries().next().value as [string, string];
  if (executables.size > most) {
    executables.delete(oldest);
    rmSync(path, { force: true });
  }
  return executable;
}

/** Of the folder's files, so that a module that was written anew is built anew. */
function keyOf(file: string): string {
  const hash = createHash("sha256").update(file);
  for (const name of readdirSync(dirname(file)).sort()) {
    if (/\.([mc]?[jt]sx?|ya?ml|json)$/.test(name))
      hash.update(name).update(readFileSync(join(dirname(file), name)));
  }
  return hash.digest("hex");
}

function folder(): string {
  made ??= mkdtempSync(join(tmpdir(), "supervisor-sealed-"));
  return made;
}

// The end of the process is none that tests are told of.
afterAll(() => {
  if (made !== undefined) rmSync(made, { recursive: true, force: true });
});
