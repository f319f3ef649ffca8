import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { SupervisorError } from "../core/errors.ts";
import { startHint } from "../core/sealed.ts";
import { filesIn, instanceFolders } from "./instance-files.ts";
import { isWriterAlive, pidIn, readPid, readPidFile } from "./pid-file.ts";

/** Which supervisor is meant; the first that is given decides. */
export interface InstanceQuery {
  readonly socket?: string;
  readonly pidFile?: string;
  readonly name?: string;
  /** The name in the services.yaml of the working directory. */
  readonly here?: string;
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * The control socket of the supervisor that is meant; without any word about it the only one that runs.
 *
 * @throws SupervisorError NOT_RUNNING, or SEVERAL_RUNNING with all of them
 */
export function findInstance(query: InstanceQuery): string {
  const { socket, pidFile, name, here, cwd } = query;
  if (socket !== undefined) return resolve(cwd, socket);
  if (pidFile !== undefined) return besidePid(resolve(cwd, pidFile));
  const wanted = name ?? here;
  if (wanted !== undefined) return byName(wanted, query);
  const running = runningInstances(query.variables);
  if (running.length > 1) {
    const all = running.map((one) => `${one.name} (pid ${one.pid})`).join(", ");
    throw new SupervisorError(
      "SEVERAL_RUNNING",
      `Several supervisors run: ${all}`,
      "Say which: --name NAME.",
    );
  }
  if (running[0]) return running[0].socket;
  throw new SupervisorError("NOT_RUNNING", "No supervisor runs", startHint());
}

export interface RunningInstance {
  readonly name: string;
  readonly pid: number;
  readonly socket: string;
}

function besidePid(file: string): string {
  assertReadable(file);
  if (readPid(file) === undefined) {
    throw new SupervisorError("NOT_RUNNING", `There is no pid in ${file}`, startHint());
  }
  return file.replace(/\.pid$/, ".sock");
}

/** @throws SupervisorError CONTROL_FORBIDDEN */
function assertReadable(file: string): void {
  try {
    readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") return;
    const hint = "Be the user that the supervisor runs as: sudo -u USER supervisor …";
    throw new SupervisorError("CONTROL_FORBIDDEN", `This user may not read ${file}`, hint, { cause: error });
  }
}

function byName(name: string, { variables }: InstanceQuery): string {
  // The last is where systemd's RuntimeDirectory= puts the sockets of a service with that name.
  const folders = [...instanceFolders(variables), join("/run", name, "supervisor")];
  const files = folders.map((folder) => filesIn(folder, name));
  const found = files.find(({ socket }) => existsSync(socket));
  if (found) return found.socket;
  const others = runningInstances(variables).map((one) => one.name);
  const hint = others.length > 0 ? `Running: ${others.join(", ")}.` : startHint();
  throw new SupervisorError("NOT_RUNNING", `"${name}" does not run`, hint);
}

/** Those of this user, as far as their files tell. */
export function runningInstances(variables: InstanceQuery["variables"]): RunningInstance[] {
  return instanceFolders(variables).flatMap((folder) =>
    pidFilesIn(folder).flatMap((file) => {
      const text = readPidFile(join(folder, file));
      const pid = pidIn(text);
      const name = file.slice(0, -".pid".length);
      const { socket } = filesIn(folder, name);
      const runs = text !== undefined && isWriterAlive(text) && existsSync(socket);
      return runs && pid !== undefined ? [{ name, pid, socket }] : [];
    }),
  );
}

function pidFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(".pid"))
      .sort();
  } catch {
    // No such folder: nothing has ever run there.
    return [];
  }
}
