import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StopReport } from "../../src/core/report.ts";
import type { Exit, SupervisorProcess, Target } from "./targets.ts";
import { spawnSupervisor } from "./targets.ts";
import type { TempDir } from "./temp-dir.ts";
import { tempDir } from "./temp-dir.ts";

/** Modules that end-to-end tests name in their services.yaml. */
export const fixtures: string = join(import.meta.dir, "../e2e/fixtures");

/** One line of the JSON log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly service?: string;
  readonly generation?: number;
  readonly url?: string;
  readonly [field: string]: unknown;
}

/** A services.yaml that a target runs; `await using` kills what is left of it. */
export interface System extends AsyncDisposable {
  readonly process: SupervisorProcess;
  readonly folder: TempDir;
  /** What it has logged so far. Lines that are no JSON are in `process.stderr` only. */
  readonly log: readonly LogLine[];
  /** The first record that `matches`, now or later; rejects when the process ends without it. */
  record(matches: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  /** Resolves when every service is ready, completed or quarantined. */
  ready(): Promise<void>;
  /** Where a service listens, or, without a name, the admin HTTP. Without a slash at the end. */
  url(service?: string): Promise<string>;
  /** Sends `signal`, waits for the end; `elapsedMs` lies between the two. */
  stop(signal?: NodeJS.Signals): Promise<Exit & { readonly elapsedMs: number }>;
  /** The file of `--stop-report`, once it is there. */
  report(): StopReport;
}

export interface SystemOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Files beside the services.yaml. */
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Every user may read and write in the folder; otherwise only the one who runs the tests. */
  readonly openToAll?: boolean;
}

/** Runs a services.yaml given as text. */
export function startSystem(target: Target, yaml: string, options: SystemOptions = {}): System {
  const folder = tempDir({ ...options.files, "services.yaml": yaml });
  return systemOf(target, join(folder.path, "services.yaml"), folder, options);
}

/** Runs a services.yaml that is there already. */
export function startFile(target: Target, file: string, options: SystemOptions = {}): System {
  return systemOf(target, file, tempDir(), options);
}

/** Runs `command` as it is: a program that uses the library, which logs the same way. */
export function startProgram(
  target: Target,
  command: Target["command"],
  options: SystemOptions = {},
): System {
  const folder = tempDir();
  const env = { ...options.env };
  return wrap(spawnSupervisor({ ...target, command }, [], { env }), folder);
}

function systemOf(target: Target, file: string, folder: TempDir, options: SystemOptions): System {
  if (options.openToAll) chmodSync(folder.path, 0o777);
  const report = join(folder.path, "report.json");
  const args = ["run", file, "--stop-report", report, ...(options.args ?? [])];
  // Its control socket is its own, too: `supervisor` finds it with the same variable.
  const env = { XDG_RUNTIME_DIR: folder.path, ...options.env };
  return wrap(spawnSupervisor(target, args, { cwd: folder.path, env }), folder);
}

function wrap(process: SupervisorProcess, folder: TempDir): System {
  let exit: Exit | undefined;
  void process.exit.then((ended) => {
    exit = ended;
  });

  async function record(matches: (line: LogLine) => boolean, timeoutMs = 15_000): Promise<LogLine> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const over = exit !== undefined || performance.now() > until;
      const found = linesOf(process.stderr).find(matches);
      if (found) return found;
      if (over) throw new Error(`no such record: ${matches}\n${process.stdout}${process.stderr}`);
      await Bun.sleep(5);
    }
  }

  return {
    process,
    folder,
    record,
    get log() {
      return linesOf(process.stderr);
    },
    async ready() {
      await record((line) => line.service === undefined && Array.isArray(line.listening));
    },
    async url(service) {
      const { url } = await record((line) => line.url !== undefined && line.service === service);
      return String(url).replace(/\/$/, "");
    },
    async stop(signal = "SIGTERM") {
      const since = performance.now();
      process.signal(signal);
      const ended = await process.exit;
      return { ...ended, elapsedMs: Math.round(performance.now() - since) };
    },
    report() {
      const file = join(folder.path, "report.json");
      if (!existsSync(file)) throw new Error(`no stop report\n${process.stderr}`);
      return JSON.parse(readFileSync(file, "utf8"));
    },
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

function linesOf(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      // The rest of the line has not been read yet.
      return [];
    }
  });
}
