import { ExitCode } from "../../core/exit.ts";
import type { BrokenQueue } from "../../core/queue-command.ts";
import { shownLine } from "../../core/shown-text.ts";
import type { TaskInfo } from "../../core/task.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { brokenText } from "../queue-text.ts";
import { readCount } from "../read-count.ts";
import { selectionOf } from "../task-selection.ts";
import { tasksText } from "../task-text.ts";

/** Tasks that one answer of a supervisor may have. */
const pageSize = 1_000;

export const command: Handler<"task ls"> = async ({ positionals, options }, terminal) => {
  const limit = readCount("limit", options.limit, 50, 1_000_000);
  const selection = selectionOf(positionals, options, Date.now());
  const tasks: TaskInfo[] = [];
  const broken: BrokenQueue[] = [];
  let { after } = options;
  do {
    const page = await askQueues(
      {
        tag: "tasks",
        ...selection,
        limit: Math.min(pageSize, limit - tasks.length),
        ...(after === undefined ? {} : { after }),
      },
      options,
      terminal,
    );
    for (const task of page.tasks) tasks.push(task);
    broken.push(...(page.broken ?? []));
    after = page.next;
  } while (after !== undefined && tasks.length < limit);
  const page = {
    tasks,
    ...(after === undefined ? {} : { next: after }),
    ...(broken.length > 0 ? { broken } : {}),
  };
  for (const one of broken) terminal.err(`supervisor: ${brokenText(one)}\n`);
  const code = broken.length > 0 ? ExitCode.refused : ExitCode.clean;
  if (options.json) {
    printJson(page, terminal);
    return code;
  }
  terminal.out(tasksText(page, terminal.outColor, Date.now()));
  if (after !== undefined)
    terminal.err(`there are more: --limit COUNT, or go on with --after '${shownLine(after)}'\n`);
  return code;
};
