import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import type { ActAnswer, RefusedTask } from "../../core/queue-command.ts";
import { shownLine } from "../../core/shown-text.ts";
import type { TaskAction } from "../../core/task.ts";
import type { QueueOptions } from "../ask-queues.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { several } from "../short-text.ts";
import type { FilterOptions } from "../task-selection.ts";
import { meansAll, selectionOf } from "../task-selection.ts";
import type { Terminal } from "../terminal.ts";

type Name = "task run" | "task retry" | "task archive" | "task delete" | "task cancel";

interface Options extends QueueOptions, FilterOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
}

export const command: Handler<Name> = async ({ positionals, options }, terminal, name) => {
  const { all = false, yes = false, json }: Options = options;
  const action = actions[name];
  const selection = selectionOf(positionals, options, Date.now());
  if (meansAll(selection) && !all) {
    const hint = "Name ids, or --queue, --state, --type, --since, --error; or --all.";
    throw new SupervisorError("USAGE", `${name} needs to know which tasks`, hint);
  }
  const dryRun = harsh.has(action) && positionals.length === 0 && !yes;
  const answer = await askQueues({ tag: "act", action, ...selection, dryRun }, options, terminal);
  if (json) printJson(answer, terminal);
  else tell(answer, action, terminal);
  return dryRun || answer.refused ? ExitCode.refused : ExitCode.clean;
};

const actions: Readonly<Record<Name, TaskAction>> = {
  "task run": "run",
  "task retry": "retry",
  "task archive": "archive",
  "task delete": "delete",
  "task cancel": "cancel",
};

/** What nobody takes back: many at once need a word that it is meant. */
const harsh: ReadonlySet<TaskAction> = new Set(["archive", "delete", "cancel"]);

const done: Readonly<Record<TaskAction, string>> = {
  run: "may run at once",
  retry: "may run again",
  archive: "archived",
  delete: "deleted",
  cancel: "asked to stop",
};

/** Why it cannot be done, where the state alone says it. */
const hints: Readonly<Record<TaskAction, string>> = {
  run: "Those that wait for their time can be run; archived and completed ones: supervisor task retry.",
  retry: "Those that wait, are archived or completed can be run again.",
  archive: "Only those that wait can be archived; one that is worked on: supervisor task cancel.",
  delete: "One that is worked on cannot be deleted: supervisor task cancel.",
  cancel: "Only one that is worked on can be cancelled; one that waits: supervisor task delete.",
};

function tell(
  { count, dryRun, more, refused = [] }: ActAnswer,
  action: TaskAction,
  terminal: Terminal,
): void {
  const tasks = `${more ? "at least " : ""}${several(count, "task")}`;
  if (dryRun) {
    terminal.out(`${tasks} would be ${done[action]}; add --yes to do it\n`);
    return;
  }
  if (count > 0 || refused.length === 0) terminal.out(`${tasks} ${done[action]}\n`);
  for (const task of refused) terminal.err(`supervisor: ${shownLine(task.id)}: ${whyNot(task)}\n`);
  if (refused.some(({ state, unmeant }) => state !== undefined && !unmeant))
    terminal.err(`${hints[action]}\n`);
}

function whyNot({ state, unmeant }: RefusedTask): string {
  if (state === undefined) return "there is no such task";
  return unmeant ? "the other options do not mean it" : `it is ${state}`;
}
