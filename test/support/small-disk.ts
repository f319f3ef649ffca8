import { spawnSync } from "node:child_process";
import { appendFileSync, statfsSync, unlinkSync } from "node:fs";
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
 * The same target, but in its eyes `folder` is a disk of its own, of so many bytes. Others do not see it, and it is gone
 * when the process ends.
 *
 * @param options of mount, for example "ro"
 */
export function onSmallDisk(
  target: Target,
  folder: string,
  { size, options = "rw" }: { size: number; options?: string },
): Target {
  freshBinary();
  const script = `mount -t tmpfs -o size=${size},${options} tmpfs "$0" && exec "$@"`;
  return { ...target, command: ["unshare", ...(enter ?? []), "sh", "-c", script, folder, ...target.command] };
}

/** As `onSmallDisk`, on a disk with what is in the folder `from` and no room for more. */
export function onFullDisk(target: Target, folder: string, from: string): Target {
  freshBinary();
  const fill = 'cat /dev/zero > "$0/filler" 2>/dev/null';
  const script = `mount -t tmpfs -o size=4m tmpfs "$0" && cp "$1"/* "$0" && shift && { ${fill}; exec "$@"; }`;
  return {
    ...target,
    command: ["unshare", ...(enter ?? []), "sh", "-c", script, folder, from, ...target.command],
  };
}

/** Somebody else fills the disk of the process `pid`, but for so many bytes; that process may be writing meanwhile. */
export function fillDisk(pid: number, folder: string, left: number): void {
  const seen = join(`/proc/${pid}/root`, folder);
  const filler = join(seen, "filler");
  for (let step = 1024 * 1024; step >= 4096; step /= 2) {
    try {
      while (freeBytes(seen) - left >= step) appendFileSync(filler, Buffer.alloc(step));
    } catch {
      // The process was faster: there is no room for so much.
    }
  }
}

/** Takes away what `fillDisk` made. */
export function makeRoom(pid: number, folder: string): void {
  unlinkSync(join(`/proc/${pid}/root`, folder, "filler"));
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function canMount(options: readonly string[]): boolean {
  const mount = "mount -t tmpfs tmpfs /mnt";
  return spawnSync("unshare", [...options, "sh", "-c", mount]).status === 0;
}
