import { spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { track } from "../contender.ts";
import type { Bench } from "../measure.ts";
import { freePorts } from "../workload.ts";

/** A Redis of our own, durable as is usual: an append-only file that is written through once a second. */
export interface RedisServer {
  /** HOST:PORT */
  readonly address: string;
  readonly pid: number;
  readonly client: Redis;
  /** Everything is gone. */
  empty(): Promise<void>;
  stop(): Promise<void>;
}

/** Undefined when this machine has no redis-server. The caller stops it. */
export async function startRedis(bench: Bench): Promise<RedisServer | undefined> {
  if (spawnSync("redis-server", ["--version"]).status !== 0) return undefined;
  const directory = join(bench.workshop.directory, "redis");
  mkdirSync(directory);
  const port = await freePorts(1);
  const options = {
    bind: "127.0.0.1",
    port,
    dir: directory,
    appendonly: "yes",
    appendfsync: "everysec",
    // A rewrite would fall into somebody's round.
    "auto-aof-rewrite-percentage": 0,
    save: "",
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn("redis-server", args, { stdio: "ignore" });
  track(child);
  const client = new Redis({ port, lazyConnect: false, retryStrategy: () => 50 });
  client.on("error", () => {}); // Until it listens.
  await client.ping();
  return {
    address: `127.0.0.1:${port}`,
    pid: child.pid as number,
    client,
    async empty() {
      await client.flushall();
    },
    async stop() {
      client.disconnect();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}
