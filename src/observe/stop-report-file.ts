import { existsSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { Logger } from "../core/log.ts";
import type { StopReport } from "../core/report.ts";

/**
 * Writes the report as JSON, whole or not at all: a reader never sees half of it. A link stays a link, and what
 * is no regular file (a pipe, a device) is written to as it is. A full disk or a missing folder is logged and
 * changes nothing else about the stop.
 */
export function writeStopReport(file: string, report: StopReport, log: Logger): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  try {
    const known = statSync(file, { throwIfNoEntry: false });
    if (known && !known.isFile()) writeFileSync(file, text);
    else replace(file, text);
  } catch (error) {
    log.error(`cannot write the stop report to ${file}`, { error });
  }
}

/** Where the report is written before it becomes `file`, in the folder of what a link leads to. */
export function draftOf(file: string): string {
  return `${realPath(file)}.${process.pid}.tmp`;
}

function replace(file: string, text: string): void {
  const draft = draftOf(file);
  writeFileSync(draft, text);
  renameSync(draft, realPath(file));
}

function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : file;
}
