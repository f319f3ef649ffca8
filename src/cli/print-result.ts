import type { ControlAnswer } from "../control/client.ts";
import type { CommandResult, StepResult } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { ExitCode } from "../core/exit.ts";
import { shownText } from "../core/shown-text.ts";
import { errorIn, printError } from "./instance.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Prints what a command has done: one line for each step, failures on standard error. Returns the exit code.
 *
 * @param none said when there was nothing to do
 */
export function printResult(answer: ControlAnswer, terminal: Terminal, json: boolean, none: string): number {
  const error = errorIn(answer);
  const result = answer.value as Partial<CommandResult>;
  if (json) terminal.out(`${JSON.stringify(answer.value, undefined, 2)}\n`);
  const steps = result.steps ?? [];
  if (!json)
    for (const step of steps) if (step.outcome !== "failed") terminal.out(`${shownText(sentence(step))}\n`);
  const failed = steps.filter((step) => step.error);
  for (const { subject, error: why } of failed) if (why) printError(why, terminal, subject);
  for (const problem of result.problems ?? []) printError(problem, terminal);
  if (error && failed.length === 0 && !result.problems?.length) printError(error, terminal);
  if (!error && steps.length === 0 && !json) {
    terminal.out(answer.status === 202 ? "accepted; it goes on\n" : `${none}\n`);
  }
  return error ? ExitCode.refused : ExitCode.clean;
}

const past: Readonly<Record<StepResult["action"], string>> = {
  start: "started",
  stop: "stopped",
  restart: "restarted",
  replace: "replaced",
  pause: "paused",
  resume: "resumed",
  reconfigure: "reconfigured",
  add: "added",
  remove: "removed",
  unchanged: "unchanged",
};

/** @example sentence({ subject: "api", action: "replace", outcome: "done", generation: 2, durationMs: 12 }) // "api: replaced by generation 2 (12ms)" */
function sentence({ subject, action, outcome, generation, durationMs, note }: StepResult): string {
  const more = note === undefined ? "" : `; ${note}`;
  if (outcome === "planned") return planned(subject, action, note);
  const by = generation !== undefined && takesOver.has(action) ? ` by generation ${generation}` : "";
  const took = action === "unchanged" ? "" : ` (${formatDuration(durationMs)})`;
  return `${subject}: ${past[action]}${by}${took}${more}`;
}

/** As a diff; what only a new generation knows is told from what a service takes in place. */
function planned(subject: string, action: StepResult["action"], note: string | undefined): string {
  if (action === "add") return `+ ${subject}`;
  if (action === "remove") return `- ${subject}`;
  const how = action === "replace" ? " (replace)" : "";
  return `~ ${subject}${note === undefined ? "" : `: ${note}`}${how}`;
}

const takesOver: ReadonlySet<string> = new Set(["replace", "restart"]);
