import type { LogTap } from "./control/log-tap.ts";
import type { Plan } from "./core/plan.ts";
import { isTerminal, wantsColor } from "./core/terminal.ts";
import type { LogLook, LogWriter } from "./observe/log-writer.ts";
import { createLogWriter } from "./observe/log-writer.ts";

/** Opens the log that the plan wants; `tap` gets a copy of every line. */
export function openLog(plan: Plan, tap: LogTap | undefined): LogWriter {
  return createLogWriter({ ...lookOf(plan), secrets: plan.secrets, ...(tap ? { copy: tap.copy } : {}) });
}

/** How the log of a plan looks where this process writes it. */
export function lookOf({ log }: Plan): Omit<LogLook, "secrets"> {
  const terminal = isTerminal(2);
  const format = log.format === "auto" ? (terminal ? "pretty" : "json") : log.format;
  return { level: log.level, format, color: wantsColor(process.env, terminal) };
}
