import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { allReady } from "./ready.ts";
import type { Workload } from "./workload.ts";

export type Contender = "script" | "supervisor";

export interface Running {
  readonly pid: number;
  /** Milliseconds from before the process existed until every service answered 200. */
  readonly startMs: number;
  /** Sends SIGTERM and resolves with the milliseconds until the process had ended. Rejects unless it exits 0. */
  stop(): Promise<number>;
}

const children = new Set<ChildProcess>();

/** Starts a contender on a workload and waits until all of it is ready. The caller stops it. */
export function start(contender: Contender, workload: Workload, supervisor: string): Promise<Running> {
  const command =
    contender === "script"
      ? [process.execPath, "run", workload.script, workload.list]
      : [supervisor, "run", workload.yaml];
  return startAs(contender, command, workload);
}

/** The same with a command line of its own. */
export async function startAs(
  contender: Contender,
  [command, ...args]: readonly string[],
  workload: Workload,
): Promise<Running> {
  const logFile = join(workload.directory, `${contender}.log`);
  const log = openSync(logFile, "w");
  const env = { ...process.env, NODE_ENV: "production" };
  const began = performance.now();
  const child = spawn(command as string, args, {
    cwd: workload.directory,
    env,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  track(child);
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", resolve);
  });
  const failed = (what: string) =>
    new Error(`${contender}, ${workload.size} services: ${what}\n${tail(logFile)}`);
  try {
    const ready = await allReady(workload.ports, async () => {
      await sleep(0);
      return child.exitCode === null && child.signalCode === null;
    });
    return { pid: child.pid as number, startMs: ready - began, stop };
  } catch (error) {
    child.kill("SIGKILL");
    throw failed((error as Error).message);
  }

  async function stop(): Promise<number> {
    const asked = performance.now();
    child.kill("SIGTERM");
    const code = await ended;
    const tookMs = performance.now() - asked;
    if (code !== 0) throw failed(`exit code ${code ?? child.signalCode} after SIGTERM`);
    return tookMs;
  }
}

/** Sees to it that `killAll` ends the child, too. */
export function track(child: ChildProcess): void {
  children.add(child);
  child.once("exit", () => children.delete(child));
}

/** Ends whatever this benchmark started and has not stopped; for when it is interrupted. */
export function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
}

function tail(file: string): string {
  return readFileSync(file, "utf8").split("\n").slice(-15).join("\n");
}
