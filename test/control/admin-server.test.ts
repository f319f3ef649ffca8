import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { serveAdmin } from "../../src/control/admin-server.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "admin-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const deno = join(import.meta.dir, "../../node_modules/.bin/deno");
const answer = () => new Response("here");
const unix = (name: string) => ({ tag: "unix", path: join(folder, name) }) as const;
const get = async (path: string) => (await fetch("http://admin/", { unix: path })).text();

test("serveAdmin() tells the port that it got, and gives it back on close", async () => {
  const runtime = await detectRuntime();
  const first = await serveAdmin(runtime, { tag: "tcp", host: "127.0.0.1", port: 0 }, answer);
  const { port } = first.address as { port: number };
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("here");
  await first.close();
  const second = await serveAdmin(runtime, { tag: "tcp", host: "127.0.0.1", port }, answer);
  await second.close();
});

test("serveAdmin() replaces the socket of a process that was killed", async () => {
  const address = unix("stale.sock");
  const killed = `require("node:net").createServer().listen(process.argv.at(-1), () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", killed, address.path]);
  expect(existsSync(address.path)).toBe(true);
  const server = await serveAdmin(await detectRuntime(), address, answer);
  expect(await get(address.path)).toBe("here");
  await server.close();
  expect(existsSync(address.path)).toBe(false);
});

test("serveAdmin() leaves a socket that somebody answers on to them", async () => {
  const address = unix("live.sock");
  const runtime = await detectRuntime();
  const owner = await serveAdmin(runtime, address, answer);
  await expect(serveAdmin(runtime, address, answer)).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
  expect(await get(address.path)).toBe("here");
  await owner.close();
});

test("serveAdmin() never removes a file that is no socket", async () => {
  const address = unix("notes.txt");
  writeFileSync(address.path, "precious");
  await expect(serveAdmin(await detectRuntime(), address, answer)).rejects.toMatchObject({
    code: expect.stringMatching(/^ADDRESS_/),
  });
  expect(readFileSync(address.path, "utf8")).toBe("precious");
});

test("serveAdmin() opens its socket to its own user only, whatever the umask", async () => {
  const address = unix("private.sock");
  const runtime = await detectRuntime();
  const before = process.umask(0);
  try {
    const server = await serveAdmin(runtime, address, answer);
    expect(statSync(address.path).mode & 0o777).toBe(0o600);
    await server.close();
  } finally {
    process.umask(before);
  }
});

test("serveAdmin() binds where nobody else can come, and gives the socket its place with its mode", async () => {
  const address = unix("never-open.sock");
  const runtime = await detectRuntime();
  const seen: { path: string; folder: number; isThere: boolean }[] = [];
  const watched: Runtime = Object.create(runtime, {
    prepareServer: {
      value: (request: Parameters<Runtime["prepareServer"]>[0]) => () => {
        const bound = runtime.prepareServer(request)();
        const { path } = request.address as { path: string };
        const folder = statSync(dirname(path)).mode & 0o777;
        seen.push({ path, folder, isThere: existsSync(address.path) });
        return bound;
      },
    },
  });
  const before = process.umask(0);
  try {
    const server = await serveAdmin(watched, address, answer);
    expect(seen).toEqual([{ path: expect.not.stringMatching(address.path), folder: 0o700, isThere: false }]);
    expect(await get(address.path)).toBe("here");
    expect(readdirSync(folder).filter((name) => name.startsWith(".s"))).toEqual([]);
    await server.close();
    expect(existsSync(address.path)).toBe(false);
  } finally {
    process.umask(before);
  }
});

test("serveAdmin() leaves the socket to whoever has put another one in its place", async () => {
  const address = unix("taken.sock");
  const runtime = await detectRuntime();
  const first = await serveAdmin(runtime, address, answer);
  rmSync(address.path);
  const second = await serveAdmin(runtime, address, answer);
  await first.close();
  expect(await get(address.path)).toBe("here");
  await second.close();
});

test("serveAdmin() opens its socket to its own user only on Deno, too", () => {
  const source = join(import.meta.dir, "../../src");
  const program = `
    import { statSync } from "node:fs";
    import process from "node:process";
    import { serveAdmin } from "${source}/control/admin-server.ts";
    import { detectRuntime } from "${source}/runtime/detect.ts";
    process.umask(0);
    const path = "${join(folder, "deno.sock")}";
    const server = await serveAdmin(await detectRuntime(), { tag: "unix", path }, () => new Response("here"));
    console.log((statSync(path).mode & 0o777).toString(8));
    await server.close();
  `;
  const file = join(folder, "program.ts");
  writeFileSync(file, program);
  const { stdout, stderr } = spawnSync(deno, ["run", "-A", "--no-check", file], { encoding: "utf8" });
  expect([stdout, stderr]).toEqual(["600\n", ""]);
});
