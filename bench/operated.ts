import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlClient } from "../src/control/client.ts";
import { connectControl } from "../src/control/client.ts";
import { track } from "./contender.ts";
import type { Project } from "./project.ts";
import { allReady } from "./ready.ts";

/** A way to run the supervisor. */
export interface Target {
  readonly name: "binary" | "Deno";
  readonly command: readonly [program: string, ...args: string[]];
}

const deno = join(import.meta.dirname, "../node_modules/deno/deno");

/** The compiled binary, and the source under Deno where that is installed. */
export function targets(supervisor: string): Target[] {
  const binary: Target = { name: "binary", command: [supervisor] };
  const source = join(import.meta.dirname, "../src/main.ts");
  return existsSync(deno) ? [binary, { name: "Deno", command: [deno, "run", "-A", source] }] : [binary];
}

/** A running supervisor with its control socket. The caller stops it. */
export interface Operated {
  readonly pid: number;
  /** Milliseconds from before the process existed until every service answered 200. */
  readonly startMs: number;
  /** Milliseconds of a command or a question, from before the connection until its answer was read. Rejects when it failed. */
  ask(method: "GET" | "POST", path: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts `supervisor run` on a project and waits until all of its services answer. */
export async function operate({ command }: Target, project: Project): Promise<Operated> {
  const logFile = join(project.directory, "log");
  const log = openSync(logFile, "w");
  const env = { ...process.env, NODE_ENV: "production", XDG_RUNTIME_DIR: project.directory };
  const [program, ...args] = command;
  const began = performance.now();
  const child = spawn(program, [...args, "run", project.yaml], {
    cwd: project.directory,
    env,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  track(child);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const isAlive = async () => {
    await sleep(0);
    return child.exitCode === null && child.signalCode === null;
  };
  const ready = await allReady(project.ports, isAlive).catch((error: Error) => {
    child.kill("SIGKILL");
    throw new Error(`${error.message}\n${readFileSync(logFile, "utf8").split("\n").slice(-15).join("\n")}`);
  });
  const control = await controlOf(project);
  return {
    pid: child.pid as number,
    startMs: ready - began,
    ask: (method, path) => timed(control, method, path),
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function controlOf({ directory, name }: Project): Promise<ControlClient> {
  const socket = join(directory, "supervisor", `${name}.sock`);
  for (const giveUpAt = performance.now() + 5_000; !existsSync(socket); await sleep(5)) {
    if (performance.now() > giveUpAt) throw new Error(`there is no ${socket}`);
  }
  return connectControl(socket);
}

async function timed(control: ControlClient, method: "GET" | "POST", path: string): Promise<number> {
  const asked = performance.now();
  const { status, value } = await control.ask(method, path);
  const tookMs = performance.now() - asked;
  const failed = (value as { outcome?: string }).outcome === "failed";
  if (status !== 200 || failed) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(value)}`);
  return tookMs;
}
