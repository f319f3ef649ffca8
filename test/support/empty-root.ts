import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { freshBinary } from "./targets.ts";

/** Why there can be no empty root here; undefined when there can. */
export function noEmptyRoot(): string | undefined {
  if (process.platform !== "linux") return "there is no chroot without rights on this system";
  const { status } = spawnSync("unshare", [...apart, "chroot", "/", "true"]);
  return status === 0 ? undefined : "this user may not unshare and chroot";
}

/** Makes `folder` a root with the C library, an empty /tmp and a place for /proc, where Bun finds its own executable. */
export function makeEmptyRoot(folder: string): void {
  const { stdout } = spawnSync("ldd", [freshBinary()], { encoding: "utf8" });
  for (const [library] of stdout.matchAll(/\/\S+\.so\S*/g)) {
    const copy = join(folder, library);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(library, copy);
  }
  for (const name of ["tmp", "proc"]) mkdirSync(join(folder, name), { recursive: true });
}

/** What comes before a command that runs with `root` as /. */
export function inRoot(root: string): [string, ...string[]] {
  const script = 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"';
  return ["unshare", ...apart, "sh", "-c", script, root];
}

const apart = ["--user", "--map-root-user", "--mount"];
