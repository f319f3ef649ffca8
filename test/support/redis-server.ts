import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { tempDir } from "./temp-dir.ts";

/** Why there is no Redis for tests here; undefined when there is. */
export const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? undefined
    : "redis-server is not installed (apt-get install redis-server)";

/** A redis-server of one test, on a port of its own, in a folder of its own. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly pid: () => number;
  /** Ends it; what it keeps stays in its folder. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** On the same port, with what it kept. Does nothing when it runs. */
  start(): Promise<void>;
  /** Sends one command; resolves with the raw reply. */
  ask(...command: readonly string[]): Promise<string>;
}

/** @param args more of redis-server's, for example `["--requirepass", "x"]` */
export async function redisServer(
  args: readonly string[] = [],
  given: { readonly tls?: boolean } = {},
): Promise<RedisServer> {
  const folder = tempDir();
  const port = await freePort();
  let child: ChildProcess | undefined;
  // Whoever forgets to dispose of it, or is ended, leaves none behind.
  process.on("exit", () => child?.kill("SIGKILL"));
  const usual = [
    given.tls ? "--tls-port" : "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder.path,
    "--save",
    "",
  ];
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder: folder.path,
    pid: () => child?.pid ?? 0,
    async start() {
      if (child?.exitCode === null && child.signalCode === null) return;
      child = spawn("redis-server", [...usual, "--appendonly", "yes", "--logfile", "redis.log", ...args], {
        stdio: "ignore",
      });
      const gone = once(child, "exit").then(() => {
        throw new Error(`redis-server ended at once; see ${folder.path}/redis.log`);
      });
      gone.catch(() => {});
      await Promise.race([given.tls ? opens(port) : answers(port), gone]);
    },
    async stop(signal = "SIGTERM") {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    },
    ask: (...command) => exchange(port, command),
    async [Symbol.asyncDispose]() {
      await server.stop("SIGKILL");
      folder[Symbol.dispose]();
    },
  };
  await server.start();
  return server;
}

/** Resolves when something answers PING with PONG, or says that a password is needed. */
async function answers(port: number): Promise<void> {
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(5)) {
    try {
      if (/PONG|NOAUTH/.test(await exchange(port, ["PING"]))) return;
    } catch {
      // Not yet.
    }
  }
  throw new Error(`redis-server did not answer on port ${port}`);
}

/** Resolves when the port takes connections. */
async function opens(port: number): Promise<void> {
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(5)) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      // Not yet.
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing took a connection on port ${port}`);
}

async function exchange(port: number, command: readonly string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
    socket.write(`*${command.length}\r\n${words}`);
    const [reply] = await once(socket, "data");
    return String(reply);
  } finally {
    socket.destroy();
  }
}
