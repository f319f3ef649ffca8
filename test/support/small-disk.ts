import { spawnSync } from "node:child_process";
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Target } from "./targets.ts";
import { freshBinary } from "./targets.ts";

const enter =
  process.platform !== "linux" ? undefined : [["-m"], ["-rm"]].find((options) => canMount(options));

/** Why no process here can have a small disk of its own; undefined when it can. */
export const lacksSmallDisk =
  enter === undefined ? "nobody here may mount in a namespace of their own (unshare -m)" : undefined;

/**
 * The same target, but in its eyes `folder` is a disk of its own, of so many bytes; `filled` of them are taken by a file
 * that `makeRoom` removes. Others do not see it, and it is gone when the process ends.
 *
 * @param options of mount, for example "ro"
 */
export function onSmallDisk(
  target: Target,
  folder: string,
  { size, filled = 0, options = "rw" }: { size: number; filled?: number; options?: string },
): Target {
  freshBinary();
  const filler = filled > 0 ? `head -c ${filled} /dev/zero > "$0/filler" && ` : "";
  const script = `mount -t tmpfs -o size=${size},${options} tmpfs "$0" && ${filler}exec "$@"`;
  return { ...target, command: ["unshare", ...(enter ?? []), "sh", "-c", script, folder, ...target.command] };
}

/** Removes what fills the disk of the process `pid`. */
export function makeRoom(pid: number, folder: string): void {
  unlinkSync(join(`/proc/${pid}/root`, folder, "filler"));
}

function canMount(options: readonly string[]): boolean {
  const mount = "mount -t tmpfs tmpfs /mnt";
  return spawnSync("unshare", [...options, "sh", "-c", mount]).status === 0;
}
