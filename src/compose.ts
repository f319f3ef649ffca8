import { resolve } from "node:path";
import { inOrder } from "./config/findings.ts";
import { overlayFile } from "./config/load-source.ts";
import type { PlanSource, ReadOptions } from "./config/read-plan.ts";
import { readLoadable, readPlan } from "./config/read-plan.ts";
import type { Claim } from "./control/claim.ts";
import { claimInstance } from "./control/claim.ts";
import { instanceFiles } from "./control/instance-files.ts";
import { systemClock } from "./core/clock.ts";
import { SupervisorError } from "./core/errors.ts";
import { exitCodeOf } from "./core/exit.ts";
import type { Inherited } from "./core/inherited.ts";
import type { Plan } from "./core/plan.ts";
import { ProblemsError } from "./core/problem.ts";
import { library } from "./library.ts";
import { createDefinitions } from "./modules/definitions.ts";
import { loadModules } from "./modules/load.ts";
import { ownExit } from "./process.ts";
import { detectRuntime } from "./runtime/detect.ts";
import { supervise } from "./supervise.ts";
import { takeInherited } from "./systemd/inherited.ts";
import type { SystemdLink } from "./systemd-link.ts";

/*
 * The data flow, top to bottom:
 *
 *   services.yaml → config → plan → modules → definitions → members → group → report → exit code
 *                                                   http ↗        ↓ events
 *                                               log · operator's plane (health, watchdog)
 *
 * Folders in that order: config, modules, host, http, group, observe, control, cli; core, service and
 * runtime lie below all of them.
 */

export interface RunOptions {
  /** The services.yaml, relative to the working directory. */
  readonly file: string;
  /** The overlay: `--env prod` reads services.prod.yaml over it. */
  readonly env?: string;
  /** Names of services to run, with what they depend on; empty is all. */
  readonly only: readonly string[];
  readonly stopReportFile?: string;
  /** Replaces services whose files are saved, and reloads a services.yaml that is. @default false */
  readonly watch?: boolean;
}

/**
 * Runs a services.yaml until it has ended, and returns the exit code.
 *
 * @throws ProblemsError when something is wrong with the file, the modules or the addresses, SupervisorError
 * FILE_UNWRITABLE when the stop report could not be written; by then nothing has started, and nothing is left
 * behind.
 */
export async function runSupervisor(options: RunOptions): Promise<number> {
  const { stopReportFile } = options;
  if (stopReportFile !== undefined) {
    const { assertStopReportWritable } = await import("./observe/stop-report-check.ts");
    assertStopReportWritable(stopReportFile);
  }
  const inherited = takeInherited(process.env, process.pid);
  const systemd = await linkOf(inherited);
  try {
    return await runPlan(options, inherited, systemd);
  } catch (error) {
    systemd?.failed(error);
    throw error;
  }
}

/** Undefined when no systemd has started this: then nothing of it is loaded. */
async function linkOf(inherited: Inherited): Promise<SystemdLink | undefined> {
  const { notifySocket, sockets } = inherited;
  const isAlone = notifySocket === undefined && Object.keys(sockets).length === 0;
  if (isAlone && process.env.JOURNAL_STREAM === undefined) return undefined;
  return (await import("./systemd-link.ts")).linkSystemd(inherited);
}

async function runPlan(
  options: RunOptions,
  inherited: Inherited,
  systemd: SystemdLink | undefined,
): Promise<number> {
  let source = await readWhole(options);
  const { plan, locate } = source;
  const claim = await claimName(plan);
  try {
    const own = await detectRuntime();
    const runtime = systemd?.onSockets(own) ?? own;
    runtime.provideModule("supervisor", library);
    const definitions = createDefinitions({ plan, locate, runtime, clock: systemClock });
    const report = await supervise({
      plan,
      runtime,
      definitions,
      reload: {
        locate,
        async read() {
          const { readPlanAgain } = await import("./config/read-again.ts");
          source = await readPlanAgain(readOptions(options), source);
          return source;
        },
        ...(options.watch ? { watch: planFiles(options) } : {}),
      },
      ...reportFile(options),
      ...(systemd ? { inherited } : {}),
      ...(systemd?.journal ? { journal: systemd.journal } : {}),
      ...("files" in claim ? { claim } : { unclaimed: claim }),
    });
    systemd?.ended(report);
    return exitCodeOf(report);
  } finally {
    if ("files" in claim) claim.release();
  }
}

/** As `checkSupervisor` where something is wrong with the file: nobody mends one run at a time. */
async function readWhole(options: RunOptions): Promise<PlanSource> {
  const read = readOptions(options);
  try {
    return await readPlan(read);
  } catch (error) {
    if (error instanceof ProblemsError) await readWithModules(read);
    throw error;
  }
}

/** Before anything else: a second instance would fight with the first one for every address. */
async function claimName(plan: Plan): Promise<Claim | SupervisorError> {
  try {
    const claim = await claimInstance(plan.name, instanceFiles(plan.name, process.env));
    // Also when a second signal ends the process at once.
    process.once("exit", claim.release);
    return claim;
  } catch (error) {
    // A container may have no folder that can be written to; its services run all the same.
    if (error instanceof SupervisorError && error.code === "CONTROL_UNAVAILABLE") return error;
    throw error;
  }
}

/**
 * Everything that `runSupervisor` does before it starts anything: reads the file, loads and looks at the modules;
 * also at those of a file that has problems itself, so that nobody mends one run at a time. Credentials may be absent where
 * no folder of them is given: they are `lacking` then.
 *
 * @throws ProblemsError with what is wrong with the file and with the modules.
 */
export function checkSupervisor(options: Omit<RunOptions, "stopReportFile">): Promise<PlanSource> {
  return readWithModules({ ...readOptions(options), lenient: "credentials" });
}

async function readWithModules(options: ReadOptions): Promise<PlanSource> {
  const source = await readLoadable(options);
  const { problems, plan, locate } = source;
  const runtime = await detectRuntime();
  runtime.provideModule("supervisor", library);
  const allowExit = ownExit();
  try {
    await loadModules(plan, locate, runtime, systemClock);
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    throw new ProblemsError(inOrder([...problems, ...error.problems]));
  } finally {
    allowExit();
  }
  if (problems.length > 0) throw new ProblemsError(problems);
  return source;
}

function readOptions({ file, only, env }: Omit<RunOptions, "stopReportFile">): ReadOptions {
  return { file, only, variables: process.env, cron, ...(env === undefined ? {} : { env }) };
}

const cron = () => import("./schedule/cron.ts");

function planFiles({ file, env }: RunOptions): string[] {
  return env === undefined ? [resolve(file)] : [resolve(file), overlayFile(file, env)];
}

function reportFile(options: RunOptions): { stopReportFile?: string } {
  return options.stopReportFile === undefined ? {} : { stopReportFile: options.stopReportFile };
}
