import assert from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../support/temp-dir.ts";
import type { Case } from "./http-setup.ts";

/** What the runtimes promise about modules. They provide for the whole process, so each name is used once. */
export const runtimeCases: readonly Case[] = [
  {
    name: "importModule() imports TypeScript by absolute path",
    async run(runtime) {
      using dir = tempDir({ "service.ts": "export const answer: number = 42;", "package.json": esm });
      const module = await runtime.importModule(join(dir.path, "service.ts"));
      assert.equal(module.answer, 42);
    },
  },
  {
    name: "importModule() copes with a path that is no URL",
    async run(runtime) {
      using dir = tempDir({ "a b#c%20/service.ts": "export default 1;", "package.json": esm });
      const module = await runtime.importModule(join(dir.path, "a b#c%20/service.ts"));
      assert.equal(module.default, 1);
    },
  },
  {
    name: "importModule() rejects when the file is missing",
    async run(runtime) {
      using dir = tempDir();
      await assert.rejects(runtime.importModule(join(dir.path, "missing.ts")));
    },
  },
  {
    name: "importModule({ fresh }) gives new code where reloadsModules says so, and the loaded one elsewhere",
    async run(runtime) {
      using dir = tempDir({
        "service.ts": 'import { n } from "./lib.ts"; export default n;',
        "lib.ts": "export const n = 1;",
        "package.json": esm,
      });
      const file = join(dir.path, "service.ts");
      assert.equal((await runtime.importModule(file)).default, 1);
      dir.write("lib.ts", "export const n = 2;");
      assert.equal(
        (await runtime.importModule(file, { fresh: true })).default,
        runtime.reloadsModules ? 2 : 1,
      );
    },
  },
  {
    name: "localImports() names the local files that a file imports, and no package",
    async run(runtime) {
      using dir = tempDir({
        "of/service.ts":
          'import { a } from "./a.ts";\nimport fs from "node:fs";\nexport * from "../lib/b.ts";\nexport const c = () => import("./c.ts");\nexport default [a, fs];',
        "of/a.ts": "export const a = 1;",
        "of/c.ts": "",
        "lib/b.ts": "export const b = 1;",
        "package.json": esm,
      });
      const found = await runtime.localImports(join(dir.path, "of/service.ts"));
      const expected = ["of/a.ts", "lib/b.ts", "of/c.ts"].map((name) => join(dir.path, name));
      assert.deepEqual(found.sort(), expected.sort());
      assert.deepEqual(await runtime.localImports(join(dir.path, "absent.ts")), []);
    },
  },
  {
    name: "syntaxError() tells where a file cannot be parsed, and runs nothing of it",
    async run(runtime) {
      using dir = tempDir({
        "bad.ts": 'import "./absent.ts";\nReflect.set(globalThis, "ranBad", 1);\nexport default { fetch( {',
        "good.ts":
          'import "./absent.ts";\nReflect.set(globalThis, "ranBad", 1);\nexport enum A { B }\nexport class C { constructor(readonly a: number) {} }\n',
        "plain.js": "export const a = (b) => b < 1;\n",
        "package.json": esm,
      });
      const fault = await runtime.syntaxError(join(dir.path, "bad.ts"));
      assert.ok(fault?.message);
      assert.deepEqual([fault.line, fault.column >= 24], [3, true]);
      for (const name of ["good.ts", "plain.js", "absent.ts"]) {
        assert.equal(await runtime.syntaxError(join(dir.path, name)), undefined, name);
      }
      assert.equal(Reflect.get(globalThis, "ranBad"), undefined);
    },
  },
  {
    name: "provideModule() gives files of the user the very same members, with nothing installed",
    async run(runtime) {
      const define = (service: unknown) => service;
      class Group {}
      runtime.provideModule("provided-one", { define, Group });
      const source = 'import { define, Group } from "provided-one"; export const got = { define, Group };';
      using dir = tempDir({ "service.ts": source, "package.json": esm });
      const module = await runtime.importModule(join(dir.path, "service.ts"));
      const got = module.got as { define: unknown; Group: unknown };
      assert.equal(got.define, define);
      assert.equal(got.Group, Group);
      assert.equal(
        (Reflect.get(globalThis, Symbol.for("provided-one.v1")) as { define: unknown }).define,
        define,
      );
    },
  },
  {
    name: "provideModule() also serves imports of types only, in every spelling",
    async run(runtime) {
      runtime.provideModule("provided-two", { define: 1 });
      using dir = tempDir({
        "inline.ts": 'import { type Service } from "provided-two"; export const a: Service | number = 1;',
        "statement.ts": 'import type { Service } from "provided-two"; export const a: Service | number = 2;',
        "mixed.ts":
          'import { define, type Service } from "provided-two"; export const a: Service | number = define + 2;',
        "package.json": esm,
      });
      const values: unknown[] = [];
      for (const name of ["inline", "statement", "mixed"]) {
        values.push((await runtime.importModule(join(dir.path, `${name}.ts`))).a);
      }
      assert.deepEqual(values, [1, 2, 3]);
    },
  },
  {
    name: "provideModule() leaves it to CommonJS to require JSON",
    async run(runtime) {
      runtime.provideModule("provided-three", { define: 1 });
      using dir = tempDir({
        "service.ts": 'import rows from "./rows.cjs"; export const got = rows;',
        "rows.cjs": 'module.exports = require("./rows.json");',
        "rows.json": '{ "rows": [1, 2] }',
        "package.json": esm,
      });
      const { got } = await runtime.importModule(join(dir.path, "service.ts"));
      assert.deepEqual(got, { rows: [1, 2] });
    },
  },
  {
    name: "dropCode() leaves code that runs later as it was",
    async run(runtime) {
      const source = "let calls = 0; export function count() { return ++calls; }";
      using dir = tempDir({ "service.ts": source, "package.json": esm });
      const { count } = (await runtime.importModule(join(dir.path, "service.ts"))) as { count(): number };
      const before = count();
      runtime.dropCode();
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual([before, count()], [1, 2]);
    },
  },
  {
    name: "version is the runtime's own",
    async run(runtime) {
      assert.match(runtime.version, /^\d+\.\d+\.\d+/);
    },
  },
];

const esm = '{"type":"module"}';
