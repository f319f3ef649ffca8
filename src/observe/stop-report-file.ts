import { renameSync, writeFileSync } from "node:fs";
import type { Logger } from "../core/log.ts";
import type { StopReport } from "../core/report.ts";

/**
 * Writes the report as JSON, whole or not at all: a reader never sees half of it. A full disk or a missing
 * folder is logged and changes nothing else about the stop.
 */
export function writeStopReport(file: string, report: StopReport, log: Logger): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, `${JSON.stringify(report, null, 2)}\n`);
    renameSync(draft, file);
  } catch (error) {
    log.error(`cannot write the stop report to ${file}`, { error });
  }
}
