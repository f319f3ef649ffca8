import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { TempDir } from "./temp-dir.ts";
import { tempDir } from "./temp-dir.ts";

const repository = join(import.meta.dir, "../..");
const script = join(import.meta.dir, "systemd/boot.sh");
/** Another root to boot, with another systemd; the machine's own by default. */
const lower = process.env.SUPERVISOR_TEST_SYSTEMD_ROOT ?? "/";

/** Why no systemd of one's own can be booted here; undefined when it can. */
export const lacksSystemd: string | undefined = whyNot();

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

/** A booted systemd with an overlay for its disk, in the network of this machine. `await using` ends all of it. */
export interface SystemdRig extends AsyncDisposable {
  readonly version: number;
  /** It sees it as /mnt/shared. */
  readonly shared: TempDir;
  /** Runs a command inside. Rejects when it does not end within a minute. */
  run(...command: readonly string[]): Promise<Ran>;
  /** The same, and rejects when the command fails. */
  done(...command: readonly string[]): Promise<string>;
  /** One property of a unit. */
  show(unit: string, property: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

export async function bootSystemd(): Promise<SystemdRig> {
  const shared = tempDir();
  const place = tempDir();
  chmodSync(shared.path, 0o755);
  const booted = spawnSync("bash", [script, place.path, lower, shared.path, repository], {
    encoding: "utf8",
  });
  const pid = existsSync(join(place.path, "pid")) ? readFileSync(join(place.path, "pid"), "utf8").trim() : "";
  const end = () => endOf(place, shared, pid);
  if (booted.status !== 0) {
    await end();
    throw new Error(`systemd did not boot: ${booted.stderr}`);
  }
  const enter = ["-t", pid, "-m", "-p", "-C", "-u", "-i", "--"];
  const run: SystemdRig["run"] = (...command) => runTo("nsenter", [...enter, ...command]);
  const done: SystemdRig["done"] = async (...command) => {
    const { status, stdout, stderr } = await run(...command);
    if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const [, version] = /^systemd (\d+)/.exec(await done("systemctl", "--version")) ?? [];
  return {
    version: Number(version),
    shared,
    run,
    done,
    show: (unit, property) => done("systemctl", "show", "--value", "-p", property, unit),
    async write(path, text) {
      await done("sh", "-c", 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0"', path, text);
    },
    [Symbol.asyncDispose]: end,
  };
}

function runTo(command: string, args: readonly string[]): Promise<Ran> {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (signal !== null) reject(new Error(`${args.join(" ")} did not end within a minute`));
      resolve({ ...output, status, elapsedMs: performance.now() - since });
    });
  });
}

async function endOf(place: TempDir, shared: TempDir, pid: string): Promise<void> {
  if (pid !== "") {
    spawnSync("kill", ["-s", "RTMIN+4", pid]);
    for (let waited = 0; existsSync(`/proc/${pid}`) && waited < 5_000; waited += 20) await sleep(20);
    // The first process of the namespace: with it goes everything in it.
    if (existsSync(`/proc/${pid}`)) spawnSync("kill", ["-9", pid]);
  }
  const cgroup = join(place.path, "cgroup");
  const folder = existsSync(cgroup) ? readFileSync(cgroup, "utf8").trim() : undefined;
  for (let tries = 0; folder !== undefined && existsSync(folder) && tries < 50; tries++) {
    removeCgroup(folder);
    await sleep(20);
  }
  spawnSync("umount", ["-l", place.path]);
  place[Symbol.dispose]();
  shared[Symbol.dispose]();
}

/** Only empty ones can be removed, the innermost first; the last process may need a moment to be gone. */
function removeCgroup(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // Busy or gone: looked at again, or done.
  }
}

function whyNot(): string | undefined {
  if (process.platform !== "linux") return "systemd is of Linux";
  if (process.getuid?.() !== 0) return "only root can boot one";
  if (!existsSync(join(lower, "lib/systemd/systemd"))) return "systemd is not installed";
  const unshared = spawnSync("unshare", ["--mount", "--pid", "--fork", "--cgroup", "--uts", "--ipc", "true"]);
  if (unshared.status !== 0) return "this container may not make namespaces";
  const cgroups = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"];
  const found = cgroups.find(existsSync);
  if (found === undefined) return "there is no cgroup v2";
  const probe = join(found, "..", `supervisor-probe.${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return undefined;
  } catch {
    // Mounted read-only, as in most containers.
    return "no cgroup can be made here";
  }
}
