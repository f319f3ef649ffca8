import { ExitCode } from "../../core/exit.ts";
import type { QueueOptions } from "../ask-queues.ts";
import { askQueues, printJson } from "../ask-queues.ts";
import type { Handler } from "../handler.ts";
import { readCount } from "../read-count.ts";
import { nextText, runsText, schedulesText } from "../schedule-text.ts";
import type { Terminal } from "../terminal.ts";

type Name = "cron ls" | "cron history" | "cron next" | "cron run" | "cron pause" | "cron resume";

type Work = (
  entry: string,
  options: Options,
  terminal: Terminal,
) => Promise<{ value: unknown; text: string; code?: number }>;

interface Options extends QueueOptions {
  readonly lines?: string;
}

export const command: Handler<Name> = async ({ positionals, options }, terminal, name) => {
  const [entry = ""] = positionals;
  const { value, text, code } = await works[name](entry, options, terminal);
  if (options.json) printJson(value, terminal);
  else terminal.out(text);
  return code ?? ExitCode.clean;
};

const works: Readonly<Record<Name, Work>> = {
  async "cron ls"(_, options, terminal) {
    const value = await askQueues({ tag: "schedules" }, options, terminal);
    return { value, text: schedulesText(value, terminal.outColor, Date.now()) };
  },
  async "cron history"(entry, options, terminal) {
    const limit = readCount("lines", options.lines, 20, 1_000);
    const value = await askQueues({ tag: "runs", entry, limit }, options, terminal);
    return { value, text: runsText(value, terminal.outColor, Date.now()) };
  },
  async "cron next"(entry, options, terminal) {
    const count = readCount("lines", options.lines, 5, 1_000);
    const value = await askQueues({ tag: "next", entry, count }, options, terminal);
    return { value, text: nextText(value, Date.now()) };
  },
  async "cron run"(entry, options, terminal) {
    const value = await askQueues({ tag: "runNow", entry }, options, terminal);
    const { outcome, cause } = value.run;
    if (outcome !== "skipped") return { value, text: `${entry}: runs\n` };
    const why = cause === "overlap" ? "the run before is still going" : (cause ?? "its schedule forbids it");
    return { value, text: `${entry}: skipped: ${why}\n`, code: ExitCode.refused };
  },
  async "cron pause"(entry, options, terminal) {
    const value = await askQueues({ tag: "pauseSchedule", entry }, options, terminal);
    return { value, text: `${entry}: paused; its times pass until it is resumed\n` };
  },
  async "cron resume"(entry, options, terminal) {
    const value = await askQueues({ tag: "resumeSchedule", entry }, options, terminal);
    return { value, text: `${entry}: resumed\n` };
  },
};
