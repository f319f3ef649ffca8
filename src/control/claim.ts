import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import process from "node:process";
import { messageOf, SupervisorError } from "../core/errors.ts";
import { isSocketAnswered } from "../core/socket-file.ts";
import type { InstanceFiles } from "./instance-files.ts";
import { isTooLong } from "./instance-files.ts";

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
    const pid = await ownerOf(files);
    if (pid !== undefined || attempt === 3) throw alreadyRunning(name, files, pid);
    rmSync(files.pid, { force: true });
  }
  // A pid file that somebody has removed by hand must not make a running instance invisible.
  if (isThere(files.socket) && (await isSocketAnswered(files.socket))) {
    rmSync(files.pid, { force: true });
    throw alreadyRunning(name, files, undefined);
  }
  rmSync(files.socket, { force: true });
  return { files, release: () => releaseInstance(files) };
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

/** The process id in a pid file; undefined when there is none. */
export function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    // Absent, or not ours to read: nobody is known.
    return undefined;
  }
}

/** Whether a process has this id, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
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
    // "wx": of several that begin at once, one makes it.
    writeFileSync(file, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw unavailable(
      messageOf(error),
      "Set XDG_RUNTIME_DIR to a folder that this user may write to.",
      error,
    );
  }
}

/** The pid of whoever holds the files; undefined when they were left behind. */
async function ownerOf(files: InstanceFiles): Promise<number | undefined> {
  const pid = readPid(files.pid);
  // In containers that share a folder both may have the pid 1: then only the socket tells.
  if (pid !== undefined && pid !== process.pid && isAlive(pid) && !isRecycled(pid, files.pid)) return pid;
  if (!isThere(files.socket) || !(await isSocketAnswered(files.socket))) return undefined;
  return pid ?? 0;
}

/** Whether the process is younger than the pid file: another one, which has been given the same number. */
function isRecycled(pid: number, file: string): boolean {
  try {
    const boot = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1]);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in the second field may hold spaces and brackets: fields are counted from behind it.
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const startedAt = (boot + ticks / ticksPerSecond) * 1_000;
    return startedAt > statSync(file).mtimeMs + clockSlackMs;
  } catch {
    // Not Linux: a process that is alive counts as the owner.
    return false;
  }
}

/** Linux shows times in these, whatever its own clock does. */
const ticksPerSecond = 100;
/** The boot time is told in whole seconds. */
const clockSlackMs = 2_000;

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function alreadyRunning(name: string, files: InstanceFiles, pid: number | undefined): SupervisorError {
  const who = pid ? `with pid ${pid}` : `and answers on ${files.socket}`;
  return new SupervisorError(
    "ALREADY_RUNNING",
    `"${name}" is running already, ${who}`,
    `See it with "supervisor status --name ${name}", end it with "supervisor shutdown --name ${name}", or give this one another name: in services.yaml.`,
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
