import { afterAll } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What bench/interop does for a test: asynq itself, in Go. */
export interface Asynq {
  /** Enqueues tasks with asynq's client; resolves with an answer each. */
  enqueue(tasks: readonly object[]): Promise<readonly Answer[]>;
  /** Runs asynq's server on a queue until it has handled `count` tasks; resolves with them. */
  consume(queue: string, count: number): Promise<readonly Handled[]>;
  /** As asynq's command line; resolves with what it shows. @throws when asynq says no */
  inspect(verb: string, ...args: readonly string[]): Promise<unknown>;
}

export interface Answer {
  readonly id?: string;
  readonly state?: string;
  readonly error?: string;
  /** When it was enqueued, in microseconds. */
  readonly at?: number;
}

export interface Handled {
  readonly id: string;
  readonly type: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly retried: number;
  readonly maxRetry: number;
  readonly deadline: number;
}

const folder = join(import.meta.dir, "../../bench/interop");
let built: { readonly program: string } | { readonly reason: string } | undefined;

/** Builds the Go program once; or says why that cannot be done here. */
export function buildAsynq(): { readonly program: string } | { readonly reason: string } {
  built ??= build();
  return built;
}

export function asynqAt(program: string, port: number): Asynq {
  const address = `127.0.0.1:${port}`;
  async function run(args: readonly string[], input = ""): Promise<unknown[]> {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const parts = { out: "", err: "" };
    child.stdout.on("data", (data) => {
      parts.out += data;
    });
    child.stderr.on("data", (data) => {
      parts.err += data;
    });
    child.stdin.end(input);
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(parts.err.trim() || `interop ended with ${code}`);
    return parts.out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
  return {
    enqueue: async (tasks) =>
      (await run(["enqueue", address], tasks.map((task) => JSON.stringify(task)).join("\n"))) as Answer[],
    consume: async (queue, count) => (await run(["consume", address, queue, String(count)])) as Handled[],
    inspect: async (verb, ...args) => (await run(["inspect", address, verb, ...args]))[0],
  };
}

function build(): { readonly program: string } | { readonly reason: string } {
  const path = `${process.env.PATH}:/usr/local/go/bin:/usr/lib/go/bin`;
  const go = path
    .split(":")
    .map((dir) => join(dir, "go"))
    .find(existsSync);
  if (!go) return { reason: "Go is not installed" };
  made = mkdtempSync(join(tmpdir(), "supervisor-interop-"));
  const program = join(made, "interop");
  const { status, stderr } = spawnSync(go, ["build", "-o", program, "."], {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  if (status === 0) return { program };
  return { reason: `bench/interop cannot be built: ${stderr.trim().split("\n").at(-1)}` };
}

let made: string | undefined;
afterAll(() => {
  if (made !== undefined) rmSync(made, { recursive: true, force: true });
});
