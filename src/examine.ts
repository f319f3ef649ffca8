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
  const { problems, plan, locate, lacking } = await readLoadable({
    ...options,
    variables: process.env,
    lenient: "credentials",
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
  const unread = (lacking?.credentials ?? []).map(asUnread);
  return [...problems.map(asFinding), ...findings, ...unread];
}

function pidOf(name: string): number | undefined {
  return runningInstances(process.env).find((one) => one.name === name)?.pid;
}

function asFinding({ code, message, hint, position }: Problem): Finding {
  return { level: "error", code, message, remedy: hint, ...(position ? { position } : {}) };
}

function asUnread(credential: string): Finding {
  return {
    level: "info",
    code: "CREDENTIAL_UNREAD",
    message: `The credential "${credential}" was not looked at: it is there only under systemd`,
    remedy: `"supervisor systemd" says which file it is read from. To look at it here, point $CREDENTIALS_DIRECTORY at a folder with a file "${credential}".`,
  };
}
