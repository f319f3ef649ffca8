import { statSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Plan } from "../core/plan.ts";
import type { Terminal } from "./terminal.ts";

/** The file of a broker, of the first one when none is named; undefined for what is in no file. */
export function queueFile({ brokers = [] }: Plan, broker: string | undefined): string | undefined {
  const found = broker === undefined ? brokers[0] : brokers.find(({ name }) => name === broker);
  return found && /^sqlite:([^?]*)/.exec(found.url)?.[1];
}

/**
 * The folder in which a unit of that name keeps a queue, when there is one and it is not `file`: a unit knows nothing of what
 * is beside services.yaml.
 */
export function unitState(
  name: string,
  file: string,
  variables: Terminal["variables"],
  root = "/var/lib",
): string | undefined {
  const { XDG_STATE_HOME: set = "", STATE_DIRECTORY: state } = variables;
  if (state) return undefined;
  const own = isAbsolute(set) ? set : join(homedir(), ".local/state");
  const folders = [join(root, name), join(own, name)];
  if (folders.some((folder) => file.startsWith(`${folder}/`))) return undefined;
  return folders.find((folder) => isThere(join(folder, "queue.db")));
}

/** What this user may not look at counts as there: the folder of a unit is for its own user only. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}
