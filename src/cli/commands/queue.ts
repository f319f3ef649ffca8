import { ExitCode } from "../../core/exit.ts";
import type { QueueOptions } from "../ask-queues.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { historyText, queuesText, queueText } from "../queue-text.ts";
import { readCount } from "../read-count.ts";
import { several } from "../short-text.ts";
import type { Terminal } from "../terminal.ts";

type Name = "queue ls" | "queue inspect" | "queue history" | "queue pause" | "queue resume" | "queue drain";

/** What one of the commands does, once it is known what is meant. */
type Work = (
  queue: string,
  options: Options,
  terminal: Terminal,
) => Promise<{ value: unknown; text: string; code?: number }>;

interface Options extends QueueOptions {
  readonly days?: string;
  readonly yes?: boolean;
}

export const command: Handler<Name> = async ({ positionals, options }, terminal, name) => {
  const [queue = ""] = positionals;
  const { value, text, code } = await works[name](queue, options, terminal);
  if (options.json) printJson(value, terminal);
  else terminal.out(text);
  return code ?? ExitCode.clean;
};

const works: Readonly<Record<Name, Work>> = {
  async "queue ls"(_, options, terminal) {
    const value = await askQueues({ tag: "queues" }, options, terminal);
    return { value, text: queuesText(value, terminal.outColor) };
  },
  async "queue inspect"(queue, options, terminal) {
    const value = await askQueues({ tag: "queue", queue }, options, terminal);
    return { value, text: queueText(value, terminal.outColor, Date.now()) };
  },
  async "queue history"(queue, options, terminal) {
    const days = readCount("days", options.days, 7, 90);
    const value = await askQueues({ tag: "history", queue, days }, options, terminal);
    return { value, text: historyText(value, terminal.outColor) };
  },
  async "queue pause"(queue, options, terminal) {
    const value = await askQueues({ tag: "pause", queue }, options, terminal);
    return { value, text: `${queue}: paused; what is enqueued waits\n` };
  },
  async "queue resume"(queue, options, terminal) {
    const value = await askQueues({ tag: "resume", queue }, options, terminal);
    return { value, text: `${queue}: resumed\n` };
  },
  async "queue drain"(queue, options, terminal) {
    const { yes = false } = options;
    const value = await askQueues({ tag: "drain", queue, dryRun: !yes }, options, terminal);
    const tasks = several(value.count, "waiting task");
    if (yes) return { value, text: `${queue}: deleted ${tasks}\n` };
    return {
      value,
      text: `${queue}: would delete ${tasks}; add --yes to do it\n`,
      code: ExitCode.refused,
    };
  },
};
