import { readLoadable } from "./config/read-plan.ts";
import { runningInstances } from "./control/find-instance.ts";
import type { Problem } from "./core/problem.ts";
import { sealed } from "./core/sealed.ts";
import { examine } from "./doctor/doctor.ts";
import type { Finding } from "./doctor/finding.ts";
import { thisMachine } from "./doctor/machine.ts";
import { readSources } from "./doctor/source-file.ts";
import { library } from "./library.ts";
import { detectRuntime } from "./runtime/detect.ts";

export interface ExamineOptions {
  /** The services.yaml, relative to the working directory. */
  readonly file: string;
  readonly env?: string;
  readonly only: readonly string[];
}

/**
 * Looks at a services.yaml, at the modules that it names and at what they import, and at this machine; runs none of
 * it. Problems of the file are findings, too.
 *
 * @throws ProblemsError when the file cannot be read as YAML.
 */
export async function examineSupervisor(options: ExamineOptions): Promise<Finding[]> {
  const { problems, plan, locate } = await readLoadable({
    ...options,
    variables: process.env,
    cron: () => import("./schedule/cron.ts"),
  });
  const runtime = await detectRuntime();
  // What is sealed was looked at when it was built; here the machine is what may be wrong.
  const modules = sealed() ? [] : plan.services.flatMap(({ module }) => (module === "" ? [] : [module]));
  const sources = await readSources(modules, (file) => runtime.localImports(file));
  const runningPid = pidOf(plan.name);
  const findings = await examine({
    plan,
    locate,
    sources,
    syntaxError: runtime.syntaxError,
    runtime: runtime.name,
    provided: { supervisor: Object.keys(library) },
    ...(runningPid === undefined ? {} : { runningPid }),
    machine: thisMachine((address) => runtime.probe(address)),
  });
  return [...problems.map(asFinding), ...findings];
}

function pidOf(name: string): number | undefined {
  return runningInstances(process.env).find((one) => one.name === name)?.pid;
}

function asFinding({ code, message, hint, position }: Problem): Finding {
  return { level: "error", code, message, remedy: hint, ...(position ? { position } : {}) };
}
