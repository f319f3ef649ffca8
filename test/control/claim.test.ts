import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimInstance } from "../../src/control/claim.ts";
import { findInstance } from "../../src/control/find-instance.ts";
import { filesIn, instanceFiles } from "../../src/control/instance-files.ts";
import { tempDir } from "../support/temp-dir.ts";

const deadPid = 2 ** 22 + 1;

test("claimInstance() writes the pid in a folder of its own, and release() removes it", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  const claim = await claimInstance("shop", files);
  expect(statSync(files.folder).mode & 0o777).toBe(0o700);
  expect(statSync(files.pid).mode & 0o777).toBe(0o600);
  claim.release();
  expect(existsSync(files.pid)).toBe(false);
});

test("claimInstance() refuses while the process in the pid file lives, and names it", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  mkdirSync(files.folder, { mode: 0o700 });
  writeFileSync(files.pid, `${process.ppid}\n`);
  await expect(claimInstance("shop", files)).rejects.toMatchObject({
    code: "ALREADY_RUNNING",
    message: expect.stringContaining(String(process.ppid)),
  });
});

test("claimInstance() takes over from a process that is gone, and from one whose number another one has", async () => {
  using folder = tempDir();
  const files = filesIn(join(folder.path, "supervisor"), "shop");
  mkdirSync(files.folder, { mode: 0o700 });
  writeFileSync(files.pid, `${deadPid}\n`);
  (await claimInstance("shop", files)).release();
  writeFileSync(files.pid, `${process.ppid}\n`);
  // Older than any process of this machine.
  utimesSync(files.pid, 1, 1);
  (await claimInstance("shop", files)).release();
  expect(existsSync(files.pid)).toBe(false);
});

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

test("findInstance() lists what runs when it cannot choose", () => {
  using folder = tempDir();
  const variables = { XDG_RUNTIME_DIR: folder.path, TMPDIR: folder.path };
  const query = { cwd: folder.path, variables };
  expect(() => findInstance(query)).toThrow("No supervisor runs");
  for (const name of ["one", "two"]) {
    folder.write(`supervisor/${name}.pid`, `${process.pid}\n`);
    folder.write(`supervisor/${name}.sock`, "");
  }
  expect(() => findInstance(query)).toThrow(/one \(pid \d+\), two \(pid \d+\)/);
  expect(findInstance({ ...query, name: "two" })).toBe(join(folder.path, "supervisor/two.sock"));
  expect(() => findInstance({ ...query, here: "three" })).toThrow('"three" does not run');
});
