import {
  closeSync,
  constants,
  existsSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
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
    if (known && !known.isFile()) writeThrough(file, text);
    else replace(file, text);
  } catch (error) {
    log.error(`cannot write the stop report to ${file}`, { error });
  }
}

/** How long a pipe may keep the end of the process waiting for a reader, in milliseconds. */
const patienceMs = 500;
const retryMs = 5;

/** A pipe that nobody reads from would block this thread for ever, and with it every deadline of the stop. */
function writeThrough(file: string, text: string): void {
  const until = performance.now() + patienceMs;
  const bytes = Buffer.from(text);
  const fd = patiently(until, () => openSync(file, constants.O_WRONLY | constants.O_NONBLOCK));
  try {
    let done = 0;
    while (done < bytes.length) done += patiently(until, () => writeSync(fd, bytes, done));
  } finally {
    closeSync(fd);
  }
}

/** ENXIO: nobody has opened the pipe for reading yet. */
const busy: ReadonlySet<unknown> = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR", "ENXIO"]);

function patiently<T>(until: number, attempt: () => T): T {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!busy.has((error as { code?: unknown }).code) || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
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
