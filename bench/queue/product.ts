import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { track } from "../contender.ts";
import type { Bench } from "../measure.ts";

export interface ProductOptions {
  /** The URL of the broker. */
  readonly broker: string;
  /** Lines of services.yaml by service, without `module` and `http`: they are bench/queue/NAME.ts, NAME to the first "-". */
  readonly services: Readonly<Record<string, string>>;
}

/** A supervisor with services of this folder. The caller stops it. */
export interface Product {
  readonly pid: number;
  readonly directory: string;
  /** Asks a service; its JSON. */
  ask<T>(service: string, path: string): Promise<T>;
  /** Processor time of the process so far, in milliseconds. */
  cpuMs(): number;
  /** SIGTERM; rejects unless it exits 0. */
  stop(): Promise<void>;
}

let made = 0;

/** Starts the compiled binary on a services.yaml of its own; ready when its services are. */
export async function runProduct(bench: Bench, { broker, services }: ProductOptions): Promise<Product> {
  const name = `bench-queue-${++made}`;
  const directory = join(bench.workshop.directory, name);
  mkdirSync(directory);
  const ports = new Map(
    Object.keys(services).map((service, index) => [service, bench.firstPort + made * 20 + index]),
  );
  const entries = Object.entries(services).map(([service, lines]) => {
    const module = join(import.meta.dirname, `${service.split("-")[0]}.ts`);
    return `  ${service}:\n    module: ${module}\n    http: { port: ${ports.get(service)} }\n    ${lines}\n`;
  });
  const yaml = join(directory, "services.yaml");
  writeFileSync(
    yaml,
    `name: ${name}\nadmin: false\nbrokers: { main: "${broker}" }\nservices:\n${entries.join("")}`,
  );
  const logFile = join(directory, "log");
  const log = openSync(logFile, "w");
  const env = { ...process.env, NODE_ENV: "production", XDG_RUNTIME_DIR: directory };
  const child = spawn(bench.supervisor, ["run", yaml], { cwd: directory, env, stdio: ["ignore", log, log] });
  closeSync(log);
  track(child);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const failed = (what: string) =>
    new Error(`${name}: ${what}\n${readFileSync(logFile, "utf8").split("\n").slice(-15).join("\n")}`);
  const url = (service: string, path: string) => `http://127.0.0.1:${ports.get(service)}${path}`;
  const product: Product = {
    pid: child.pid as number,
    directory,
    async ask(service, path) {
      const response = await fetch(url(service, path), { signal: AbortSignal.timeout(600_000) });
      if (!response.ok) throw failed(`${service}${path} answered ${response.status}`);
      return response.json();
    },
    cpuMs: () => cpuMsOf(child.pid as number),
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      if (code !== 0) throw failed(`exit code ${code ?? child.signalCode} after SIGTERM`);
    },
  };
  for (const service of Object.keys(services)) {
    for (const giveUpAt = performance.now() + 15_000; ; await sleep(20)) {
      if (child.exitCode !== null || performance.now() > giveUpAt) throw failed(`${service} did not start`);
      // Nobody listens yet, or it is still starting.
      const response = await fetch(url(service, "/count")).catch(() => undefined);
      if (response?.ok) break;
    }
  }
  return product;
}

/** Of all threads of a process, in milliseconds; the kernel counts in steps of ten. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
