import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { path } from "./workload.ts";

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadClient {
  readonly name: string;
  /** Rejects when an answer was not 200. */
  run(port: number, seconds: number): Promise<Load>;
}

const execute = promisify(execFile);

/** wrk where it is installed, otherwise a client of our own, which takes more of the machine to ask as fast. */
export function loadClient(): LoadClient {
  const installed = spawnSync("wrk", ["--version"]).error === undefined;
  return installed
    ? { name: "wrk -t1 -c50", run: wrk }
    : { name: "load-client.ts, 50 connections", run: own };
}

async function wrk(port: number, seconds: number): Promise<Load> {
  const args = ["-t1", "-c50", `-d${seconds}s`, "--latency", `http://127.0.0.1:${port}${path}`];
  const { stdout } = await execute("wrk", args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  const find = (pattern: RegExp) => pattern.exec(stdout)?.slice(1) ?? [];
  const milliseconds = ([value, unit]: string[]) =>
    Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as "ms"];
  return {
    requestsPerSecond: Number(find(/Requests\/sec:\s+([\d.]+)/)[0]),
    p50Ms: milliseconds(find(/50%\s+([\d.]+)(us|ms|s)/)),
    p99Ms: milliseconds(find(/99%\s+([\d.]+)(us|ms|s)/)),
  };
}

async function own(port: number, seconds: number): Promise<Load> {
  const file = join(import.meta.dirname, "load-client.ts");
  const { stdout } = await execute(process.execPath, [file, String(port), String(seconds), path]);
  return JSON.parse(stdout);
}
