import { accessSync, closeSync, constants, openSync, rmSync, statSync } from "node:fs";
import { writeError } from "../core/write-error.ts";
import { draftOf } from "./stop-report-file.ts";

/**
 * Makes sure that `writeStopReport` will be able to write to `file`, as far as that can be known before: nobody
 * should learn at the end of a long run that there is no report of it. Leaves no file behind.
 *
 * @throws SupervisorError FILE_UNWRITABLE
 */
export function assertStopReportWritable(file: string): void {
  try {
    const known = statSync(file, { throwIfNoEntry: false });
    if (known?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    // Opening a pipe could wait for its reader, and opening a device could do anything.
    if (known && !known.isFile()) accessSync(file, constants.W_OK);
    else tryDraft(draftOf(file));
  } catch (error) {
    throw writeError("the stop report", file, error);
  }
}

/** Permission bits say nothing about read-only file systems, quotas or the superuser: only trying does. */
function tryDraft(draft: string): void {
  closeSync(openSync(draft, "w"));
  rmSync(draft);
}
