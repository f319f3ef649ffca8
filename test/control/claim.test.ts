import { expect, test } from "bun:test";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { claimInstance } from "../../src/control/claim.ts";
import { findInstance } from "../../src/control/find-instance.ts";
import type { InstanceFiles } from "../../src/control/instance-files.ts";
import { filesIn, instanceFiles } from "../../src/control/instance-files.ts";
import { readPid, writePidFile } from "../../src/control/pid-file.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const deadPid = 2 ** 22 + 1;
const hasProc = existsSync("/proc/self/stat");

/** A process that claims the name and never binds its socket. */
function claimCommand(files: InstanceFiles): [string, ...string[]] {
  const claim = join(import.meta.dir, "../../src/control/claim.ts");
  const program = `await (await import("${claim}")).claimInstance("shop", ${JSON.stringify(files)}); setTimeout(() => {}, 20_000)`;
  return [process.execPath, "-e", program];
}

async function claimedElsewhere(files: InstanceFiles): Promise<ChildProcess> {
  const [command, ...args] = claimCommand(files);
  const other = spawn(command, args, { stdio: "ignore" });
  await until(
    async () => readPid(files.pid),
    (pid) => pid === other.pid,
  );
  return other;
}

async function ended(child: ChildProcess): Promise<void> {
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await end;
}

test("claimInstance() writes the pid in a folder of its own, and release() removes it", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  const claim = await claimInstance("shop", files);
  expect(statSync(files.folder).mode & 0o777).toBe(0o700);
  expect(statSync(files.pid).mode & 0o777).toBe(0o600);
  claim.release();
  expect(existsSync(files.pid)).toBe(false);
});

test("claimInstance() refuses while another one starts that has no socket yet, and says how to end it", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  const other = await claimedElsewhere(files);
  await expect(claimInstance("shop", files)).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringContaining(`pid ${other.pid}`),
    hint: expect.stringContaining(`kill ${other.pid}`),
  });
  expect(readPid(files.pid)).toBe(other.pid);
  await ended(other);
  (await claimInstance("shop", files)).release();
});

test("claimInstance() refuses while the socket is answered, whatever the pid file says", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  mkdirSync(files.folder, { mode: 0o700 });
  const server = Bun.serve({ unix: files.socket, fetch: () => new Response() });
  writeFileSync(files.pid, `${deadPid}\n`);
  await expect(claimInstance("shop", files)).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringContaining(String(deadPid)),
  });
  expect(readPid(files.pid)).toBe(deadPid);
  rmSync(files.pid);
  await expect(claimInstance("shop", files)).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
  expect([existsSync(files.socket), existsSync(files.pid)]).toEqual([true, false]);
  await server.stop(true);
});

test("claimInstance() takes over from a process that is gone", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  mkdirSync(files.folder, { mode: 0o700 });
  writeFileSync(files.pid, `${deadPid}\n`);
  const claim = await claimInstance("shop", files);
  expect(readPid(files.pid)).toBe(process.pid);
  expect(readdirSync(files.folder)).toEqual(["shop.pid"]);
  claim.release();
  expect(existsSync(files.pid)).toBe(false);
});

const strangers: readonly (readonly [string, () => number])[] = [
  ["another program", () => process.ppid],
  ["the first process", () => 1],
  ["a thread of ours", () => Math.max(...readdirSync("/proc/self/task").map(Number))],
  ["ourselves, as in another container", () => process.pid],
];

test.skipIf(!hasProc).each(strangers)(
  "claimInstance() takes over when the number of the killed one belongs to %s by now",
  async (_, pidOf) => {
    using folder = tempDir();
    const files = filesIn(join(folder.path, "supervisor"), "shop");
    const other = await claimedElsewhere(files);
    await ended(other);
    const left = readFileSync(files.pid, "utf8");
    for (const text of [left.replace(/^\d+/, String(pidOf())), `${pidOf()}\n`]) {
      writeFileSync(files.pid, text);
      (await claimInstance("shop", files)).release();
      expect(existsSync(files.pid)).toBe(false);
    }
  },
);

test.skipIf(!hasProc)(
  "claimInstance() takes over from a killed process that nobody has waited for",
  async () => {
    using folder = tempDir();
    const files = filesIn(join(folder.path, "supervisor"), "shop");
    // `exec` makes a parent of the shell's child that never asks for its end.
    const keeper = spawn("sh", ["-c", '"$0" "$@" & exec sleep 20', ...claimCommand(files)], {
      stdio: "ignore",
    });
    await until(
      async () => readPid(files.pid) ?? 0,
      (pid) => pid > 0,
    );
    const pid = readPid(files.pid) as number;
    process.kill(pid, "SIGKILL");
    await until(
      async () => readFileSync(`/proc/${pid}/stat`, "utf8"),
      (stat) => stat.includes(") Z "),
    );
    (await claimInstance("shop", files)).release();
    await ended(keeper);
  },
);

test("claimInstance() does not use a folder that others may enter", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  mkdirSync(files.folder);
  chmodSync(files.folder, 0o755);
  await expect(claimInstance("shop", files)).rejects.toMatchObject({ code: "CONTROL_UNAVAILABLE" });
});

test("instanceFiles() prefers systemd's folder, then the session's when it is ours, then the temp folder", () => {
  using folder = tempDir();
  const session = { XDG_RUNTIME_DIR: folder.path, TMPDIR: "/var/tmp" };
  expect(instanceFiles("a", { ...session, RUNTIME_DIRECTORY: "/run/a:/run/b" }).socket).toBe(
    "/run/a/supervisor/a.sock",
  );
  expect(instanceFiles("a", session).socket).toBe(join(folder.path, "supervisor/a.sock"));
  expect(instanceFiles("a", { XDG_RUNTIME_DIR: "/absent", TMPDIR: "/var/tmp" }).socket).toStartWith(
    "/var/tmp/supervisor-",
  );
});

test("instanceFiles() keeps the socket's path short enough to be bound", () => {
  const { socket } = instanceFiles("a".repeat(200), { TMPDIR: "/tmp" });
  expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103);
});

test.skipIf(!hasProc)(
  "findInstance() lists no killed one whose number belongs to another program by now",
  () => {
    using folder = tempDir({ "supervisor/gone.sock": "", "supervisor/gone.pid": `${process.ppid}\n` });
    const variables = { XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.path };
    expect(() => findInstance({ cwd: folder.path, variables })).toThrow("No supervisor runs");
  },
);

test("findInstance() lists what runs when it cannot choose", () => {
  using folder = tempDir();
  const variables = { XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.path };
  const query = { cwd: folder.path, variables };
  expect(() => findInstance(query)).toThrow("No supervisor runs");
  for (const name of ["one", "two"]) {
    folder.write(`supervisor/${name}.sock`, "");
    writePidFile(join(folder.path, `supervisor/${name}.pid`));
  }
  expect(() => findInstance(query)).toThrow(/one \(pid \d+\), two \(pid \d+\)/);
  expect(findInstance({ ...query, name: "two" })).toBe(join(folder.path, "supervisor/two.sock"));
  expect(() => findInstance({ ...query, here: "three" })).toThrow('"three" does not run');
});
