import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import process from "node:process";
import { birthOf, isAlive } from "../core/process-birth.ts";

/**
 * Writes who we are: the pid, and below it, on Linux, when we were born, which tells us from whoever gets our
 * number later. `started=…` is one word that is no number, so that `kill $(cat NAME.pid)` never ends a stranger.
 *
 * @returns false when the file is there already
 * @throws the error of the system when it cannot be made
 */
export function writePidFile(file: string): boolean {
  const birth = birthOf(process.pid);
  const draft = `${file}.${process.pid}-${process.hrtime.bigint()}`;
  try {
    writeFileSync(draft, `${process.pid}\n${birth ? `started=${birth}\n` : ""}`, { flag: "wx", mode: 0o600 });
    // Of several that begin at once, one makes it; and nobody ever reads it half written.
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The text of a pid file; undefined when there is none. */
export function readPidFile(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Absent, or not ours to read: nobody is known.
    return undefined;
  }
}

/** The process id in a pid file; undefined when there is none. */
export function readPid(file: string): number | undefined {
  return pidIn(readPidFile(file));
}

/** The process id in the first line of a pid file's text. */
export function pidIn(text: string | undefined): number | undefined {
  const pid = Number(text?.split("\n", 1)[0]?.trim());
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/**
 * Whether the very process that wrote `text` into a pid file still runs. Without /proc (macOS) a number is all that
 * is known of a process.
 */
export function isWriterAlive(text: string): boolean {
  const pid = pidIn(text);
  if (pid === undefined) return false;
  if (!knowsBirths()) return isAlive(pid);
  // A thread, too, has an entry in /proc; but it has not been born when the writer was.
  return birthOf(pid) !== undefined && birthOf(pid) === /^started=(\S+)$/m.exec(text)?.[1];
}

/**
 * Whether another process that wrote `text` into `file` may be on its way to bind its socket. Never this one: in
 * containers that share a folder both may have the pid 1. Without /proc it counts while the file is younger than a
 * minute, in which every start has bound its socket.
 */
export function isStarting(file: string, text: string): boolean {
  return pidIn(text) !== process.pid && isWriterAlive(text) && (knowsBirths() || isYoung(file));
}

function knowsBirths(): boolean {
  return birthOf(process.pid) !== undefined;
}

function isYoung(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs < startMs;
}

/** A start that has not bound its control socket after this, in milliseconds, is none. */
const startMs = 60_000;
