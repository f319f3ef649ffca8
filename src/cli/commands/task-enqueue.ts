import { SupervisorError } from "../../core/errors.ts";
import { ExitCode } from "../../core/exit.ts";
import { parseMoment } from "../../core/moment.ts";
import type { EnqueueRequest } from "../../core/queue-command.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { readPayload } from "../read-payload.ts";
import type { OptionValues } from "../table.ts";
import type { queueCommands } from "../table-queues.ts";
import { enqueuedText } from "../task-text.ts";

type Options = OptionValues<(typeof queueCommands)["task enqueue"]["options"]>;

export const command: Handler<"task enqueue"> = async ({ positionals, options }, terminal) => {
  const [type = "", word] = positionals;
  const payload = await readPayload(word, terminal.cwd);
  const task: EnqueueRequest = {
    type,
    ...(payload === undefined ? {} : { payload }),
    ...enqueueOptions(options, Date.now()),
  };
  const enqueued = await askQueues({ tag: "enqueue", task }, options, terminal);
  if (options.json) printJson(enqueued, terminal);
  else terminal.out(enqueuedText(enqueued));
  return ExitCode.clean;
};

/** Texts as they are: whoever enqueues says what is wrong with them. */
function enqueueOptions(options: Options, now: number): Record<string, unknown> {
  const { queue, delay, key, id, unique, timeout, retention, group, at, deadline, header } = options;
  const given = {
    queue,
    delay,
    key,
    id,
    unique,
    timeout,
    retention,
    group,
    at: timeOf("at", at, now),
    deadline: timeOf("deadline", deadline, now),
    maxRetry: countOf(options["max-retry"]),
    headers: header && Object.fromEntries(header.map(pairOf)),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function timeOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const time = parseMoment(text, now, "ahead");
  if (time !== undefined) return time;
  throw new SupervisorError(
    "USAGE",
    `--${option} cannot be "${text}"`,
    "Write a date like 2026-11-21T10:00:00Z, or how far ahead it is, like 2h.",
  );
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SupervisorError("USAGE", `--max-retry cannot be "${text}"`, "Write a number, 0 or more.");
}

function pairOf(header: string): [string, string] {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(header) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new SupervisorError("USAGE", `"${header}" is no header`, "Write it as 'NAME: VALUE'.");
}
