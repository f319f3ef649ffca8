/**
 * Compiles the supervisor into one executable:
 *
 *     bun build.ts [--outfile dist/supervisor] [--if-old]
 *
 * `--if-old` does nothing when the executable is newer than what it is made of. Needs nothing but Bun;
 * installs the dependencies when they are not there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "./package.json" with { type: "json" };
import type { Kit } from "./src/seal/kit.ts";

const { values } = parseArgs({
  options: { outfile: { type: "string", default: "dist/supervisor" }, "if-old": { type: "boolean" } },
});
const outfile = resolve(values.outfile);
process.chdir(import.meta.dir);
if (!values["if-old"] || isOld(outfile)) await build(outfile);

async function build(file: string): Promise<void> {
  const started = performance.now();
  installIfMissing();
  mkdirSync(dirname(file), { recursive: true });
  // Not above: it may need what has just been installed.
  const { makeKit } = await import("./src/seal/kit.ts");
  const { writeExecutable } = await import("./src/seal/write-executable.ts");
  const kit = await makeKit(resolve("src"), { version: manifest.version, commit: commit() });
  await writeExecutable(file, (compiled) => compile(compiled, kit));
  const took = Math.round(performance.now() - started);
  console.log(`${values.outfile}: ${manifest.version} (${commit()}) in ${took} ms`);
}

function isOld(file: string): boolean {
  if (!existsSync(file)) return true;
  const built = statSync(file).mtimeMs;
  const source = readdirSync("src", { recursive: true, encoding: "utf8" }).map((path) => join("src", path));
  return ["build.ts", "package.json", "bun.lock", ...source].some((path) => statSync(path).mtimeMs > built);
}

async function compile(file: string, kit: Kit): Promise<void> {
  await Bun.build({
    // The other two are entries of threads of the same binary: the operator's plane, and an isolated service.
    entrypoints: ["src/main.ts", "src/operator.ts", "src/worker.ts"],
    minify: true,
    bytecode: true,
    // What a command does not import is not even read: 2 ms less until the first line of `run`.
    splitting: true,
    format: "esm",
    // Embedded: stack traces name src/… at no cost in start time (the file beside it goes with the scratch folder).
    sourcemap: "linked",
    define: {
      SUPERVISOR_VERSION: JSON.stringify(manifest.version),
      SUPERVISOR_COMMIT: JSON.stringify(commit()),
      SUPERVISOR_KIT: JSON.stringify(JSON.stringify(kit)),
    },
    compile: {
      outfile: file,
      // Services bring their own node_modules, "imports" and paths: without these two, none of it resolves.
      autoloadPackageJson: true,
      autoloadTsconfig: true,
      // What a service sees of its environment is up to services.yaml, not to files in the working directory.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
}

/** The commit that is compiled, `+` behind it when files differ from it; `unknown` outside of a git checkout. */
function commit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { encoding: "utf8" });
  const { status, stdout } = git("rev-parse", "--short=12", "HEAD");
  if (status !== 0) return "unknown";
  return stdout.trim() + (git("status", "--porcelain", "--", "src").stdout === "" ? "" : "+");
}

function installIfMissing(): void {
  const names = Object.keys(manifest.dependencies);
  if (names.every((name) => existsSync(join("node_modules", name)))) return;
  const { status } = spawnSync(process.execPath, ["install", "--frozen-lockfile"], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}
