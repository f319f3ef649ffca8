import type { ChildProcess } from "node:child_process";
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { track } from "../contender.ts";
import type { Bench } from "../measure.ts";

const execute = promisify(execFile);

/** A program that does what the supervisor is compared with; bench/peers and bench/queue/raw.ts say how it is called. */
export interface Peer {
  readonly command: readonly [program: string, ...args: string[]];
  /** HOST:PORT, or the port alone. */
  readonly address: (server: string) => string;
}

export interface Peers {
  readonly raw: Peer;
  /** Undefined where there is no Go, or its modules cannot be had. */
  readonly asynq?: Peer;
  /** Undefined when npm cannot install it. */
  readonly bullmq?: Peer;
}

const folder = join(import.meta.dirname, "../peers");
const portOf = (server: string) => server.slice(server.indexOf(":") + 1);

/** Builds and installs what is compared with, below bench/peers; nothing else of the project needs it. */
export function preparePeers(bench: Bench): Peers {
  const raw: Peer = { command: [process.execPath, join(import.meta.dirname, "raw.ts")], address: portOf };
  const asynq = buildAsynq(bench);
  const bullmq = installBullmq(bench);
  return { raw, ...(asynq && { asynq }), ...(bullmq && { bullmq }) };
}

function buildAsynq({ workshop, say }: Bench): Peer | undefined {
  const file = join(workshop.directory, "asynq");
  for (const go of ["go", "/usr/local/go/bin/go"]) {
    const { status } = spawnSync(go, ["build", "-o", file, "."], {
      cwd: join(folder, "asynq"),
      stdio: "ignore",
    });
    if (status === 0) return { command: [file], address: (server) => server };
  }
  say("without asynq: it could not be built");
  return undefined;
}

function installBullmq({ say }: Bench): Peer | undefined {
  const isThere = existsSync(join(folder, "node_modules/bullmq"));
  const options = { cwd: folder, stdio: "ignore" } as const;
  if (isThere || spawnSync("npm", ["ci", "--ignore-scripts"], options).status === 0) {
    return { command: [process.execPath, join(folder, "bullmq.mjs")], address: portOf };
  }
  say("without BullMQ: it could not be installed");
  return undefined;
}

/** Runs one of its verbs to its end; the milliseconds that it prints. */
export async function timedBy(
  { command, address }: Peer,
  server: string,
  verb: string,
  numbers: number[],
): Promise<number> {
  const [program, ...args] = command;
  const { stdout } = await execute(program, [...args, verb, address(server), ...numbers.map(String)]);
  return Number(stdout);
}

/** Starts one of its verbs that goes on until it is stopped. */
export function startPeer(
  { command, address }: Peer,
  server: string,
  verb: string,
  number: number,
): ChildProcess {
  const [program, ...args] = command;
  const child = spawn(program, [...args, verb, address(server), String(number)], { stdio: "ignore" });
  track(child);
  return child;
}

export async function stopPeer(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}
