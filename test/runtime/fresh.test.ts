import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { SupervisorError } from "../../src/core/errors.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { tempDir } from "../support/temp-dir.ts";

/*
 * What only Bun can do: `test/contract/runtime.ts` has what both runtimes promise.
 */

const runtime = await detectRuntime();

interface Loaded {
  readonly default: Readonly<Record<string, unknown>>;
}

function project(files: Readonly<Record<string, string>>) {
  const folder = tempDir({ "package.json": '{"type":"module"}', ...files });
  const at = (name: string) => join(folder.path, name);
  return {
    ...folder,
    at,
    load: async (name: string) => ((await runtime.importModule(at(name))) as unknown as Loaded).default,
    fresh: async (name: string) =>
      ((await runtime.importModule(at(name), { fresh: true })) as unknown as Loaded).default,
  };
}

const shared = 'export const box = { text: "first" };';
const service = 'import { box } from "./shared.ts"; export default { box };';

test("importModule({ fresh }) loads the file and what it imports anew", async () => {
  using folder = project({ "a.ts": service, "shared.ts": shared });
  const before = await folder.load("a.ts");
  folder.write("shared.ts", 'export const box = { text: "second" };');
  expect(await folder.load("a.ts")).toBe(before);
  expect(await folder.fresh("a.ts")).toEqual({ box: { text: "second" } });
  expect(before.box).toEqual({ text: "first" });
});

test("importModule({ fresh }) leaves those who imported the same file what they have", async () => {
  using folder = project({ "a.ts": service, "b.ts": service, "shared.ts": shared });
  const [a, b] = [await folder.load("a.ts"), await folder.load("b.ts")];
  expect(a.box).toBe(b.box);
  const again = await folder.fresh("a.ts");
  expect(again.box).not.toBe(a.box);
  expect((await folder.load("b.ts")).box).toBe(a.box);
});

test("importModule({ fresh }) gives modules that are loaded together one copy of what they share", async () => {
  using folder = project({ "a.ts": service, "b.ts": service, "shared.ts": shared });
  const before = await folder.load("a.ts");
  const [a, b] = await Promise.all([folder.fresh("a.ts"), folder.fresh("b.ts")]);
  expect(a.box).toBe(b.box);
  expect(a.box).not.toBe(before.box);
});

test("importModule({ fresh }) leaves alone what a service that stays imports later", async () => {
  using folder = project({
    "a.ts": service,
    "stays.ts": 'export default { later: () => import("./own.ts") };',
    "own.ts": "export const own = {};",
    "shared.ts": shared,
  });
  const stays = (await folder.load("stays.ts")) as { later(): Promise<{ own: object }> };
  const first = await stays.later();
  await folder.fresh("a.ts");
  expect(await stays.later()).toBe(first);
});

test("importModule({ fresh }) reaches what a computed import loads", async () => {
  using folder = project({
    "a.ts": 'const name = "route"; export default await import(`./${name}.ts`);',
    "route.ts": "export const version = 1;",
  });
  expect(await folder.load("a.ts")).toEqual({ version: 1 });
  folder.write("route.ts", "export const version = 2;");
  expect(await folder.fresh("a.ts")).toEqual({ version: 2 });
});

test("importModule({ fresh }) goes through links, JSON, CommonJS and names without extension", async () => {
  using folder = project({
    "real/a.ts":
      'import data from "./data.json" with { type: "json" }; import old from "./old.cjs"; import { more } from "./more"; export default { n: data.n, old: old.n, more };',
    "real/data.json": '{"n":1}',
    "real/old.cjs": "module.exports = { n: 1 };",
    "real/more.ts": "export const more: number = 1;",
  });
  symlinkSync(folder.at("real"), folder.at("link"));
  expect(await folder.load("link/a.ts")).toEqual({ n: 1, old: 1, more: 1 });
  folder.write("real/data.json", '{"n":2}');
  folder.write("real/old.cjs", "module.exports = { n: 2 };");
  folder.write("real/more.ts", "export const more: number = 2;");
  expect(await folder.fresh("link/a.ts")).toEqual({ n: 2, old: 2, more: 2 });
});

test("importModule({ fresh }) keeps packages and the supervisor's own files", async () => {
  using folder = project({
    "a.ts": `import { SupervisorError } from ${JSON.stringify(join(import.meta.dir, "../../src/core/errors.ts"))};
import { dep } from "dep"; export default { SupervisorError, dep };`,
    "node_modules/dep/package.json": '{"name":"dep","type":"module","main":"index.js"}',
    "node_modules/dep/index.js": "export const dep = {};",
  });
  const before = await folder.load("a.ts");
  const after = await folder.fresh("a.ts");
  expect(after).not.toBe(before);
  expect(after.dep).toBe(before.dep);
  expect(after.SupervisorError).toBe(SupervisorError);
});

const mistakes: readonly [string, string, RegExp][] = [
  ["a syntax error", "export const lib = {;", /Expected identifier|errors? building/],
  [
    "an import of nothing",
    'import "./absent.ts"; export const lib = 0;',
    /Cannot find module '.\/absent.ts'/,
  ],
  ["an export that is not there", "export const other = 0;", /Export named 'lib' not found/],
  ["a throw", 'export const lib = 0; throw new Error("no");', /^no$/],
];

for (const [what, wrong, message] of mistakes) {
  test(`importModule({ fresh }) after ${what} in a file below: the next good load is all new`, async () => {
    const write = (version: number, lib = `export const lib = ${version};`) => {
      folder.write(
        "a.ts",
        `import { mid } from "./mid.ts"; import { side } from "./side.ts"; export default { a: ${version}, mid, side };`,
      );
      folder.write("mid.ts", `import { lib } from "./lib.ts"; export const mid = [${version}, lib];`);
      folder.write("side.ts", `export const side = ${version};`);
      folder.write("lib.ts", lib);
    };
    using folder = project({});
    write(1);
    expect(await folder.load("a.ts")).toEqual({ a: 1, mid: [1, 1], side: 1 });
    write(2, wrong);
    expect(folder.fresh("a.ts")).rejects.toThrow(message);
    await folder.fresh("a.ts").catch(() => {});
    write(3);
    expect(await folder.fresh("a.ts")).toEqual({ a: 3, mid: [3, 3], side: 3 });
  });
}

test("importModule({ fresh }) after an import of nothing finds the file once it is there", async () => {
  using folder = project({ "a.ts": "export default { n: 1 };" });
  await folder.load("a.ts");
  folder.write("a.ts", 'import { n } from "./new/n.ts"; export default { n };');
  expect(folder.fresh("a.ts")).rejects.toThrow("./new/n.ts");
  await folder.fresh("a.ts").catch(() => {});
  folder.write("new/n.ts", "export const n = 2;");
  expect(await folder.fresh("a.ts")).toEqual({ n: 2 });
});

test("importModule({ fresh }) fails one module without the others that are loaded with it", async () => {
  using folder = project({ "a.ts": "export default 1;", "b.ts": "export default {;" });
  const [a, b] = await Promise.allSettled([folder.fresh("a.ts"), folder.fresh("b.ts")]);
  expect(a).toEqual({ status: "fulfilled", value: 1 } as never);
  expect(b.status).toBe("rejected");
});

test("localImports() names local files only, and none of a file that cannot be read", async () => {
  using folder = project({
    "a.ts":
      'import { x } from "./x.ts"; import type { T } from "./types.ts"; import "node:fs"; export const y = () => import("./y.ts"); console.log(x);',
    "x.ts": "export const x = 1;",
    "y.ts": "",
    "bad.ts": "import './x.ts'; {;",
  });
  expect((await runtime.localImports(folder.at("a.ts"))).sort()).toEqual([
    folder.at("x.ts"),
    folder.at("y.ts"),
  ]);
  expect(await runtime.localImports(folder.at("bad.ts"))).toEqual([]);
  expect(await runtime.localImports(folder.at("absent.ts"))).toEqual([]);
});
