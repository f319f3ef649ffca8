import { statSync } from "node:fs";
import { readName } from "../config/read-name.ts";
import type { ControlAnswer, ControlClient } from "../control/client.ts";
import { connectControl } from "../control/client.ts";
import { findInstance, runningInstances } from "../control/find-instance.ts";
import type { CommandError } from "../core/command.ts";
import { parseDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import { shownText } from "../core/shown-text.ts";
import { usualFile } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** The options that say which supervisor is meant. */
export interface InstanceOptions {
  readonly name?: string;
  readonly socket?: string;
  readonly "pid-file"?: string;
}

export interface WaitOptions {
  readonly "no-wait"?: boolean;
  readonly timeout?: string;
}

/**
 * The running supervisor that a command is about.
 *
 * @throws SupervisorError NOT_RUNNING or SEVERAL_RUNNING
 */
export async function instanceOf(options: InstanceOptions, terminal: Terminal): Promise<ControlClient> {
  const { name, socket, "pid-file": pidFile } = options;
  const { cwd, variables } = terminal;
  const isSaid = name !== undefined || socket !== undefined || pidFile !== undefined;
  const file = usualFile(cwd);
  const here = isSaid ? undefined : await readName(file, variables);
  try {
    return connectControl(
      findInstance({
        cwd,
        variables,
        ...(name === undefined ? {} : { name }),
        ...(socket === undefined ? {} : { socket }),
        ...(pidFile === undefined ? {} : { pidFile }),
        ...(here === undefined ? {} : { here }),
      }),
    );
  } catch (error) {
    // Its name may have been edited since it was started: then the file is what both have in common.
    const renamed = here === undefined ? undefined : await runningFrom(file, variables);
    if (renamed) return renamed;
    throw error;
  }
}

/** The supervisor that runs this very file, whatever it is called. */
async function runningFrom(
  file: string,
  variables: Terminal["variables"],
): Promise<ControlClient | undefined> {
  for (const { socket } of runningInstances(variables)) {
    const client = connectControl(socket);
    try {
      const { value } = await client.ask("GET", "/status");
      if (isSameFile(file, (value as { file?: unknown }).file)) return client;
    } catch {
      // It has just ended: it is not the one.
    }
  }
  return undefined;
}

function isSameFile(file: string, other: unknown): boolean {
  if (typeof other !== "string") return false;
  const one = statSync(file, { throwIfNoEntry: false });
  const two = statSync(other, { throwIfNoEntry: false });
  return one !== undefined && one.ino === two?.ino && one.dev === two.dev;
}

/** `?wait=…&timeout=…` from the options of a command. @throws SupervisorError USAGE */
export function waitQuery(options: WaitOptions, usual = "60s"): string {
  const { timeout = usual, "no-wait": noWait = false } = options;
  if (!parseDuration(timeout)) {
    throw new SupervisorError("USAGE", `--timeout cannot be "${timeout}"`, "Write it like 30s or 5m.");
  }
  return `?wait=${!noWait}&timeout=${timeout}`;
}

/** The error that an answer of the API stands for, if it is one. */
export function errorIn({ status, value }: ControlAnswer): CommandError | undefined {
  if (status < 400) return undefined;
  const { code, message, hint } = value as Partial<CommandError>;
  return { code: code ?? `HTTP ${status}`, message: message ?? "the supervisor refuses", hint: hint ?? "" };
}

/** @example printError({ code: "FROZEN", message: "it is busy", hint: "Wait." }, terminal) // supervisor: it is busy (FROZEN). Wait. */
export function printError(
  { code, message, hint }: CommandError,
  terminal: Terminal,
  subject?: string,
): void {
  const about = subject === undefined ? "" : `${subject}: `;
  const text = `supervisor: ${about}${message.replace(/\.$/, "")} (${code}). ${hint}`;
  terminal.err(`${shownText(text.trimEnd())}\n`);
}
