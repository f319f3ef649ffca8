import { spawn } from "node:child_process";
import { join } from "node:path";
import { track } from "./contender.ts";

export interface Latency {
  readonly tookMs: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LatencyLoad {
  /** At least so many. */
  readonly requests: number;
  /** Connections that stay open. */
  readonly staying: number;
  /** Clients that open a connection for every request. */
  readonly fresh: number;
}

/** Asks `port` in a process of its own while `work` is done. Rejects when a request was lost. */
export async function latencyDuring(
  port: number,
  { requests, staying, fresh }: LatencyLoad,
  work: () => Promise<unknown>,
): Promise<Latency> {
  const file = join(import.meta.dirname, "latency-client.ts");
  const args = [port, requests, staying, fresh].map(String);
  const child = spawn(process.execPath, [file, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  track(child);
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    await work();
  } finally {
    child.stdin.end();
    await ended;
  }
  const latency: Latency = JSON.parse(output);
  if (latency.failed > 0) throw new Error(`${latency.failed} of ${latency.answered} requests were lost`);
  return latency;
}
