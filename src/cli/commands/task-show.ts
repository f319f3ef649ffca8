import { ExitCode } from "../../core/exit.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { taskText } from "../task-text.ts";

export const command: Handler<"task show"> = async ({ positionals, options }, terminal) => {
  const [id = ""] = positionals;
  const { queue, json } = options;
  const task = await askQueues(
    { tag: "task", id, ...(queue === undefined ? {} : { queue }) },
    options,
    terminal,
  );
  if (json) printJson(task, terminal);
  else terminal.out(taskText(task, terminal.outColor, Date.now()));
  return ExitCode.clean;
};
