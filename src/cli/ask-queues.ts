import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { readName } from "../config/read-name.ts";
import { readPlan } from "../config/read-plan.ts";
import type { ControlAnswer, ControlClient } from "../control/client.ts";
import { queueCallOf } from "../control/queue-call.ts";
import type { ErrorCode } from "../core/errors.ts";
import { errorCodes, SupervisorError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { QueueAnswers, QueueCommand } from "../core/queue-command.ts";
import { sealed } from "../core/sealed.ts";
import type { InstanceOptions } from "./instance.ts";
import { errorIn, instanceOf } from "./instance.ts";
import { queueFile, unitState } from "./queue-place.ts";
import { refuseFile, usualFile } from "./target.ts";
import type { Terminal } from "./terminal.ts";

export interface QueueOptions extends InstanceOptions {
  readonly file?: string;
  readonly env?: string;
  readonly broker?: string;
  readonly json?: boolean;
}

/** What is done to many tasks at once takes its time. */
const patience = "10m";

/**
 * The answer to a command: of the supervisor that runs, or, when none does, of the brokers of services.yaml.
 *
 * @throws SupervisorError what either of them has to say; ProblemsError for a wrong services.yaml
 */
export async function askQueues<Tag extends QueueCommand["tag"]>(
  command: QueueCommand & { readonly tag: Tag },
  options: QueueOptions,
  terminal: Terminal,
): Promise<QueueAnswers[Tag]> {
  const { broker } = options;
  const asked = broker === undefined ? command : { ...command, broker };
  const answer = await askRunning(asked, options, terminal);
  return (answer ? resultOf(answer) : await askBrokers(asked, options, terminal)) as QueueAnswers[Tag];
}

/** Undefined: none runs, and the command line does not insist on one. */
async function askRunning(
  command: QueueCommand,
  options: QueueOptions,
  terminal: Terminal,
): Promise<ControlAnswer | undefined> {
  const insists =
    options.name !== undefined || options.socket !== undefined || options["pid-file"] !== undefined;
  // Without a file there are no brokers that could be asked instead.
  const only = insists || command.tag === "runNow" || !(sealed() || existsSync(fileOf(options, terminal)));
  try {
    const client = await runningOf(options, terminal);
    if (!client) return undefined;
    const { method, path, body } = queueCallOf(command);
    const query = `${path.includes("?") ? "&" : "?"}timeout=${patience}`;
    return await client.ask(method, `${path}${query}`, body);
  } catch (error) {
    if (only || !isAbsent(error)) throw error;
    return undefined;
  }
}

/** Undefined: there is no such file, so nobody can run it. */
async function runningOf(options: QueueOptions, terminal: Terminal): Promise<ControlClient | undefined> {
  if (options.file === undefined || options.name !== undefined) return instanceOf(options, terminal);
  const name = await readName(fileOf(options, terminal), terminal.variables);
  return name === undefined ? undefined : instanceOf({ ...options, name }, terminal);
}

function fileOf({ file }: QueueOptions, { cwd }: Terminal): string {
  if (file === undefined) return usualFile(cwd);
  refuseFile(file);
  return resolve(cwd, file);
}

/** Nobody has heard the command: a socket that closes later may have carried it out. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof SupervisorError) || error.code !== "NOT_RUNNING") return false;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return error.cause === undefined || code === "ENOENT" || code === "ECONNREFUSED";
}

async function askBrokers(
  command: QueueCommand,
  options: QueueOptions,
  terminal: Terminal,
): Promise<unknown> {
  const { env } = options;
  const { plan } = await readPlan({
    file: fileOf(options, terminal),
    variables: terminal.variables,
    lenient: "exceptBrokers",
    ...(env === undefined ? {} : { env }),
  });
  // Loaded when nothing else helps: with it come the drivers.
  const { operateOffline } = await import("../offline.ts");
  const answer = await operateOffline(command, plan);
  tellPlace(command, plan, options, terminal);
  return answer;
}

/** The file is what decides who gets a task, and nobody runs who could be asked. */
function tellPlace(
  command: QueueCommand,
  plan: Plan,
  { broker, json }: QueueOptions,
  terminal: Terminal,
): void {
  const file = queueFile(plan, broker);
  if (file === undefined) return;
  if (command.tag === "enqueue" && !json) terminal.err(`supervisor: none runs; the task is in ${file}\n`);
  const state = unitState(plan.name, file, terminal.variables);
  if (state === undefined) return;
  terminal.err(
    `supervisor: this was ${file}, but the unit keeps a queue in ${state}: for that one, set STATE_DIRECTORY=${state}\n`,
  );
}

/** @throws SupervisorError the error that the answer stands for */
function resultOf(answer: ControlAnswer): unknown {
  const error = errorIn(answer);
  if (!error) return answer.value;
  throw new SupervisorError(isCode(error.code) ? error.code : "INTERNAL", error.message, error.hint);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** As JSON, for programs. */
export function printJson(value: unknown, terminal: Terminal): void {
  terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
}
