import { afterAll, describe } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlwaysSealed, unsealed } from "./sealed-suite.ts";
import { sealedCall } from "./sealed-target.ts";

const root = join(import.meta.dir, "..", "..");
const binary = join(root, "dist", "supervisor");
const deno = join(root, "node_modules", "deno", "deno");

/** One way to run the supervisor. */
export interface Target {
  readonly name: "binary" | "bun" | "deno" | "sealed";
  /** What comes before the supervisor's own arguments. */
  readonly command: readonly [string, ...string[]];
  /** Why it cannot run on this machine; absent when it can. */
  readonly missing?: string;
}

/**
 * The compiled binary and the source under both runtimes. What a user can see must be the same in all three.
 * SUPERVISOR_TEST_TARGETS=binary,deno names some of them, or `sealed`: each services.yaml as an executable of its own.
 */
const everyTarget: readonly Target[] = [
  { name: "binary", command: [binary] },
  { name: "bun", command: [process.execPath, join(root, "src/main.ts")] },
  {
    name: "deno",
    command: [deno, "run", "-A", join(root, "src/main.ts")],
    ...(existsSync(deno) ? {} : { missing: "npm has no deno for this machine" }),
  },
  { name: "sealed", command: [binary] },
];

const asked = process.env.SUPERVISOR_TEST_TARGETS?.split(",");
const named = (names: readonly string[]) => everyTarget.filter(({ name }) => names.includes(name));
export const targets: readonly Target[] = named(asked ?? ["binary", "bun", "deno"]);

/** Describes the same behaviour for every target; one that is missing is skipped, with the reason in its name. */
export function describeTargets(what: string, tests: (target: Target) => void): void {
  for (const target of isAlwaysSealed(what) && !asked ? everyTarget : targets) {
    const missing = target.missing ?? (target.name === "sealed" ? unsealed(what) : undefined);
    const reason = missing ? ` (skipped: ${missing})` : "";
    describe.skipIf(missing !== undefined)(`${target.name}: ${what}${reason}`, () => tests(target));
  }
}

/** What runs `path`, a program of its own, as `target` runs the supervisor's source. No binary does. */
export function programCommand({ command }: Target, path: string): Target["command"] {
  const [program, ...args] = command;
  return [program, ...args.slice(0, -1), path];
}

export interface SpawnOptions {
  readonly cwd?: string;
  /** Over the environment of the tests, from which the color switches are taken. `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Exit {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running supervisor. `await using` kills it when the test leaves the block, whatever happened. */
export interface SupervisorProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it has printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: Promise<Exit>;
  /**
   * Resolves with the first match in stdout or stderr, also one that is there already. Rejects with all
   * output when it exits without, or after `timeoutMs`.
   *
   * @param timeoutMs default 10 000
   */
  waitFor(pattern: RegExp | string, timeoutMs?: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts `supervisor ARGS`, after building the binary when that is old. */
export function spawnSupervisor(
  target: Target,
  args: readonly string[],
  options: SpawnOptions = {},
): SupervisorProcess {
  if (target.command[0] === binary) freshBinary();
  const { command, args: given, cwd } = callOf(target, args, options.cwd);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    FORCE_COLOR: undefined,
    NO_COLOR: undefined,
    RUNTIME_DIRECTORY: undefined,
    // Control sockets of this run only: others may test on this machine at the same time.
    XDG_RUNTIME_DIR: runtimeFolder(),
    ...options.env,
  };
  const child = spawn(command, given, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  return watch(child);
}

function callOf({ name, command }: Target, args: readonly string[], cwd: string | undefined) {
  if (name === "sealed" && command[0] === binary) return sealedCall(binary, args, cwd ?? process.cwd());
  const [program, ...before] = command;
  return { command: program, args: [...before, ...args], cwd };
}

/** Runs `supervisor ARGS` to its end. */
export async function runSupervisorCli(
  target: Target,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  await using running = spawnSupervisor(target, args, options);
  const exit = await running.exit;
  return { ...exit, stdout: running.stdout, stderr: running.stderr };
}

/** The path of the compiled binary, built anew when the source is newer. */
export function freshBinary(): string {
  if (!isFresh) {
    const build = [join(root, "build.ts"), "--if-old"];
    const { status, stderr } = spawnSync(process.execPath, build, { encoding: "utf8" });
    if (status !== 0) throw new Error(`build.ts failed: ${stderr}`);
    isFresh = true;
  }
  return binary;
}

let isFresh = false;

function runtimeFolder(): string {
  runtime ??= mkdtempSync(join(tmpdir(), "supervisor-run-"));
  return runtime;
}

let runtime: string | undefined;
afterAll(() => {
  if (runtime !== undefined) rmSync(runtime, { recursive: true, force: true });
});

function watch(child: ChildProcess): SupervisorProcess {
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  const changed = () => {
    for (const check of [...waiting]) check();
  };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      changed();
    });
  }
  let exited: Exit | undefined;
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on("error", reject);
    // "close", not "exit": by then everything that it printed has been read.
    child.on("close", (code, signal) => {
      exited = { code, signal };
      resolve(exited);
      changed();
    });
  });
  return {
    pid: child.pid as number,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    exit,
    signal: (signal) => void child.kill(signal),
    waitFor(pattern, timeoutMs = 10_000) {
      const expression = typeof pattern === "string" ? new RegExp(escaped(pattern)) : pattern;
      return new Promise((resolve, reject) => {
        const settle = (end: () => void) => {
          waiting.delete(check);
          clearTimeout(timer);
          end();
        };
        const fail = (why: string) =>
          settle(() => reject(new Error(`${expression} ${why}\n${output.stdout}${output.stderr}`)));
        const timer = setTimeout(() => fail(`did not come within ${timeoutMs} ms`), timeoutMs);
        const check = () => {
          const match = expression.exec(output.stdout) ?? expression.exec(output.stderr);
          if (match) settle(() => resolve(match));
          else if (exited) fail(`did not come before exit ${exited.code ?? exited.signal}`);
        };
        waiting.add(check);
        check();
      });
    },
    async [Symbol.asyncDispose]() {
      if (!exited) child.kill("SIGKILL");
      await exit;
    },
  };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
