import { lstatSync, mkdirSync, rmSync } from "node:fs";
import process from "node:process";
import { messageOf, SupervisorError } from "../core/errors.ts";
import { isSocketAnswered } from "../core/socket-file.ts";
import type { InstanceFiles } from "./instance-files.ts";
import { isTooLong } from "./instance-files.ts";
import { isStarting, pidIn, readPid, readPidFile, writePidFile } from "./pid-file.ts";

/** What a process holds from before its start to its end, so that there is one instance of a name. */
export interface Claim {
  readonly files: InstanceFiles;
  /** Removes the pid file and the socket, unless they are another process's by now. */
  release(): void;
}

/**
 * Makes this process the one instance called `name`: writes the pid file, in a folder that only this user may
 * enter. Takes over what a killed process has left.
 *
 * @throws SupervisorError ALREADY_RUNNING with the other one's pid; CONTROL_UNAVAILABLE when there is no place for the files
 */
export async function claimInstance(name: string, files: InstanceFiles): Promise<Claim> {
  preparePlace(files);
  for (let attempt = 0; !writePid(files.pid); attempt++) {
    const left = readPidFile(files.pid);
    if (await isAnswered(files.socket)) throw alreadyRunning(name, files, pidIn(left));
    if (left !== undefined && isStarting(files.pid, left)) throw starting(name, pidIn(left));
    if (attempt === 3) throw starting(name, pidIn(left));
    // Meanwhile another start may have taken over; then it is asked in its turn.
    if (readPidFile(files.pid) === left) rmSync(files.pid, { force: true });
  }
  // A pid file that somebody has removed by hand must not make a running instance invisible.
  if (await isAnswered(files.socket)) {
    rmSync(files.pid, { force: true });
    throw alreadyRunning(name, files, undefined);
  }
  rmSync(files.socket, { force: true });
  return { files, release: () => releaseInstance(files) };
}

/** Whether the name is still this process's; writes the pid file again when somebody has removed it. Never throws. */
export function claimAgain(files: InstanceFiles): boolean {
  try {
    preparePlace(files);
    return writePidFile(files.pid) || readPid(files.pid) === process.pid;
  } catch {
    // There is no place for it now; there may be one at the next look.
    return false;
  }
}

/** As `Claim.release`, for whoever ends the process in its place. Never throws. */
export function releaseInstance(files: InstanceFiles): void {
  if (readPid(files.pid) !== process.pid) return;
  try {
    rmSync(files.socket, { force: true });
    rmSync(files.pid, { force: true });
  } catch {
    // The folder may be gone already; what is left is found to be stale by the next start.
  }
}

/** @throws SupervisorError CONTROL_UNAVAILABLE */
function preparePlace({ folder, socket }: InstanceFiles): void {
  if (isTooLong(socket)) {
    throw unavailable(
      `its path would be too long: ${socket}`,
      "Set XDG_RUNTIME_DIR to a folder with a short path.",
    );
  }
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    const mine = stats.uid === (process.getuid?.() ?? stats.uid);
    if (!stats.isDirectory() || !mine || (stats.mode & 0o077) !== 0) {
      throw unavailable(
        `${folder} must be a folder that this user owns and nobody else may enter`,
        `Look at it with "ls -ld ${folder}", then remove it; or set XDG_RUNTIME_DIR to a folder of your own.`,
      );
    }
  } catch (error) {
    if (error instanceof SupervisorError) throw error;
    throw unavailable(
      messageOf(error),
      "Set XDG_RUNTIME_DIR to a folder that this user may write to.",
      error,
    );
  }
}

/** False when the file is there already. */
function writePid(file: string): boolean {
  try {
    return writePidFile(file);
  } catch (error) {
    throw unavailable(
      messageOf(error),
      "Set XDG_RUNTIME_DIR to a folder that this user may write to.",
      error,
    );
  }
}

async function isAnswered(socket: string): Promise<boolean> {
  return isThere(socket) && (await isSocketAnswered(socket));
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function alreadyRunning(name: string, files: InstanceFiles, pid: number | undefined): SupervisorError {
  const who = pid ? `with pid ${pid}` : `and answers on ${files.socket}`;
  return new SupervisorError(
    "ALREADY_RUNNING",
    `"${name}" is running already, ${who}`,
    `See it with "supervisor status --name ${name}", end it with "supervisor shutdown --name ${name}", or change the name in services.yaml.`,
  );
}

/** Nothing answers for it yet: `status` and `shutdown` would not find it. */
function starting(name: string, pid: number | undefined): SupervisorError {
  return new SupervisorError(
    "ALREADY_RUNNING",
    `"${name}" is being started already${pid ? `, with pid ${pid}` : ""}`,
    pid
      ? `Look at it with "ps -fp ${pid}"; when it does not get on, end it with "kill ${pid}", then start again.`
      : "Start it again in a moment.",
  );
}

function unavailable(fact: string, hint: string, cause?: unknown): SupervisorError {
  const message = `Cannot make the control socket: ${fact}`;
  return new SupervisorError(
    "CONTROL_UNAVAILABLE",
    message,
    hint,
    cause === undefined ? undefined : { cause },
  );
}
