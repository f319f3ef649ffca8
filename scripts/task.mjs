// What `npm start`, `npm test`, `bun run …` and `deno task …` do. It runs in a fresh clone under Node (18 or
// newer), Bun or Deno, whichever is there, so it imports nothing but node:* and brings the rest itself.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { isatty } from "node:tty";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const onDeno = process.versions.deno !== undefined;
const onBun = process.versions.bun !== undefined;

const verbs = { start, test, build, bench, docs };

const [verb, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(verbs, verb ?? "")) stopWith(64, `Usage: task.mjs ${Object.keys(verbs).join("|")}`);
if (onDeno && verb !== "start") stopWith(64, `"${verb}" needs Node or Bun; Deno alone can "start".`);
process.chdir(root);
process.exitCode = await verbs[verb](rest);

/** Runs the services.yaml of this repository; on Deno from source, else from the compiled binary. */
function start(args) {
  install();
  if (!onDeno) buildIfOld();
  const supervisor = onDeno ? [process.execPath, "run", "-A", "src/main.ts"] : ["dist/supervisor"];
  return inForeground([...supervisor, "run", "services.yaml", ...args]);
}

/** Every check of this repository. The last line says how many tests passed, failed and were skipped. */
function test(args) {
  install();
  const skipped = [];
  let failedSteps = 0;
  const step = (title, command, unavailable) => {
    if (unavailable) return skipped.push(`${title}: ${unavailable}`);
    console.log(`\n── ${title}`);
    if (run(command) !== 0) failedSteps++;
  };
  step("types", [bun(), "node_modules/typescript/bin/tsc", "--noEmit"]);
  step("types in Deno", [deno(), "check", "--quiet", "bun-env.d.ts", "src/"], deno() ? "" : missing("deno"));
  const biome = [bun(), "node_modules/@biomejs/biome/bin/biome"];
  step("lint and format", [...biome, "check", "--error-on-warnings"], biomeMissing());
  step("build", [bun(), "build.ts"]);
  bringRedis();
  rmSync("test.junit.xml", { force: true });
  const junit = ["--reporter=junit", "--reporter-outfile=test.junit.xml"];
  console.log("\n── tests");
  const exitCode = run([bun(), "test", "--isolate", "--timeout=30000", ...junit, ...args]);
  return summary(exitCode, failedSteps, skipped);
}

function build(args) {
  install();
  return run([bun(), "build.ts", ...args]);
}

function bench(args) {
  install();
  buildIfOld();
  return run([bun(), "bench/run.ts", ...args]);
}

function docs(args) {
  install();
  return run([bun(), "scripts/generate-docs.ts", ...args]);
}

/** Prints what was skipped and the totals that bun's own report states; returns the exit code. */
function summary(exitCode, failedSteps, skippedSteps) {
  const report = existsSync("test.junit.xml") ? readFileSync("test.junit.xml", "utf8") : "";
  const total = (name) => Number(/<testsuites[^>]*>/.exec(report)?.[0].match(` ${name}="(\\d+)"`)?.[1] ?? 0);
  const skipped = total("skipped") + skippedSteps.length;
  // A crash of the runner, or an error outside of any test, is in its exit code and not in its report.
  const failedTests = total("failures") || (exitCode === 0 ? 0 : 1);
  const failed = failedTests + failedSteps;
  const passed = total("tests") - total("failures") - total("skipped");
  if (skipped > 0) console.log("\nSkipped:");
  for (const what of [...skippedSteps, ...skippedTests(report)]) console.log(`  ${what}`);
  if (failedSteps > 0) console.log(`\n${failedSteps} of the steps before the tests failed; see above.`);
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed === 0 ? 0 : 1;
}

/** Where and what; by our own rule a test that cannot run says in its name why. */
function skippedTests(report) {
  const cases = report.matchAll(/<testcase name="([^"]*)" classname="([^"]*)"[^>]*>\s*<skipped/g);
  const characters = { "&quot;": '"', "&apos;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&" };
  const plain = (text) => text.replace(/&\w+;/g, (entity) => characters[entity] ?? entity);
  return [...cases].map(([, name, group]) => plain(group ? `${group} > ${name}` : name));
}

/** Installs what the lockfile names, unless exactly that is there. */
function install() {
  const wanted = { ...manifest.dependencies, ...(onDeno ? {} : manifest.devDependencies) };
  const isThere = ([name, version]) => versionOf(name) === version;
  if (Object.entries(wanted).every(isThere)) return;
  if (run(installer()) !== 0) stopWith(70, "Installing the dependencies failed; the lines above say why.");
}

function versionOf(name) {
  const file = join("node_modules", name, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}

function installer() {
  if (onDeno) return [process.execPath, "install", "--prod", "--frozen"];
  // Set by the program that runs the script of package.json: npm's own file, or the bun executable.
  const caller = process.env.npm_execpath ?? "";
  if (onBun) return [process.execPath, "install", "--frozen-lockfile"];
  if (/[/\\]bun$/.test(caller)) return [caller, "install", "--frozen-lockfile"];
  const npm = caller.endsWith("npm-cli.js") ? [process.execPath, caller] : ["npm"];
  // Not `ci`: it refuses a lockfile without the optional packages of every other platform.
  return [...npm, "install", "--no-save", "--no-audit", "--no-fund"];
}

/** The bun that the lockfile names, whatever else is installed on the machine. */
function bun() {
  const pinned = manifest.devDependencies.bun;
  if (process.versions.bun === pinned) return process.execPath;
  const path = join(root, "node_modules/bun/bin/bun.exe");
  const works = () => spawnSync(path, ["--version"]).stdout?.toString().trim() === pinned;
  // npm can be told not to run install scripts; bun's puts the executable for this machine in place.
  if (!works()) run([process.execPath, "node_modules/bun/install.js"]);
  if (!works()) stopWith(70, `bun ${pinned} does not run on this machine: ${path}`);
  return path;
}

/** The deno that the lockfile names; undefined when npm has none for this machine. */
function deno() {
  const path = join(root, "node_modules/deno/deno");
  if (!existsSync(path)) spawnSync(process.execPath, ["node_modules/deno/install.cjs"]);
  return existsSync(path) ? path : undefined;
}

function biomeMissing() {
  const found = readdirSync("node_modules/@biomejs").some((name) => name.startsWith("cli-"));
  return found ? "" : missing("@biomejs/biome");
}

/**
 * Tests start a redis-server of their own. Where there is none, and this may install one (root on a machine with apt, as
 * in CI), it does; otherwise the names of the tests that are skipped say why.
 */
function bringRedis() {
  const isThere = () => spawnSync("redis-server", ["--version"]).status === 0;
  if (isThere() || process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) return;
  console.log("\n── redis-server for the tests");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", "redis-server");
  if (!install() && apt("update", "-qq")) install();
  console.log(isThere() ? "installed" : "apt-get could not install it");
}

function missing(name) {
  return `the lockfile has no ${name} executable for ${process.platform}-${process.arch}`;
}

function buildIfOld() {
  if (run([bun(), "build.ts", "--if-old"]) !== 0) stopWith(70, "The build failed; the lines above say why.");
}

function run([command, ...args]) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? 1;
}

/**
 * Runs `command` as if it had been typed instead of this script; resolves with its exit code.
 *
 * A key such as Ctrl-C reaches every process of the terminal, the command too: forwarding that signal would
 * make it the second one, which ends it at once. A signal without a terminal reaches this process only.
 */
function inForeground([command, ...args]) {
  const fromKeys = [0, 1, 2].some((fd) => isatty(fd)) ? ["SIGINT", "SIGQUIT", "SIGHUP"] : [];
  const child = spawn(command, args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP"]) {
    process.on(signal, () => {
      // Not child.kill(): Deno then reports the signal instead of the exit code.
      if (!fromKeys.includes(signal)) process.kill(child.pid, signal);
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => stopWith(70, `${command}: ${error.message}`));
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

function stopWith(code, message) {
  console.error(message);
  process.exit(code);
}
