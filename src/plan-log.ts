import type { LogTap } from "./control/log-tap.ts";
import type { Plan } from "./core/plan.ts";
import { isJournal, isTerminal, wantsColor } from "./core/terminal.ts";
import type { Journal, LogForm, LogLook, LogWriter } from "./observe/log-writer.ts";
import { createLogWriter } from "./observe/log-writer.ts";

/** Opens the log that the plan wants; `tap` gets a copy of every line. */
export function openLog(
  plan: Plan,
  tap: LogTap | undefined,
  journal: Journal["send"] | undefined,
): LogWriter {
  return createLogWriter({
    ...lookOf(plan),
    secrets: plan.secrets,
    ...(tap ? { copy: tap.copy } : {}),
    ...(journal ? { journal: { identifier: plan.name, send: journal } } : {}),
  });
}

/** How the log of a plan looks where this process writes it. */
export function lookOf({ log, services }: Plan): Omit<LogLook, "secrets"> {
  const terminal = isTerminal(2);
  const format = log.format === "auto" ? usualForm(terminal) : log.format;
  const nameWidth = services.reduce((widest, { name }) => Math.max(widest, name.length), 0);
  return { level: log.level, format, color: wantsColor(process.env, terminal), nameWidth };
}

function usualForm(terminal: boolean): LogForm {
  if (terminal) return "pretty";
  return isJournal(process.env, 2) ? "journal" : "json";
}
