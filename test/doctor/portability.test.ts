import { expect, test } from "bun:test";
import { checkCommonjs } from "../../src/doctor/check-commonjs.ts";
import { checkExtensions } from "../../src/doctor/check-extensions.ts";
import { checkNativeAddons } from "../../src/doctor/check-native-addons.ts";
import { checkPackageType } from "../../src/doctor/check-package-type.ts";
import { checkPackages } from "../../src/doctor/check-packages.ts";
import { checkRuntimeApis } from "../../src/doctor/check-runtime-apis.ts";
import { checkTsconfigPaths } from "../../src/doctor/check-tsconfig-paths.ts";
import { checkTypeImports } from "../../src/doctor/check-type-imports.ts";
import { briefly, oneService, subjectOf } from "../support/doctor-subject.ts";
import { tempDir } from "../support/temp-dir.ts";

const lines = (...text: string[]) => `${text.join("\n")}\n`;

test("checkExtensions() names the file that a relative import means, through all files that are imported", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "api.ts": lines('import "./lib/db";', 'import "./lib";', 'import "./whole.ts";', 'import "./absent";'),
    "lib/db.ts": 'export * from "../old.js";\n',
    "lib/index.ts": "export {};\n",
    "whole.ts": 'import type { X } from "./lib/db";\n',
    "old.ts": "export {};\n",
  });
  const subject = await subjectOf(folder);
  const findings = checkExtensions(subject);
  expect(briefly(findings).sort()).toEqual([
    "warn IMPORT_EXTENSION 1:16 ../old.js",
    "warn IMPORT_EXTENSION 1:9 ./lib/db",
    "warn IMPORT_EXTENSION 2:9 ./lib",
  ]);
  expect(findings.map(({ remedy }) => remedy).sort()).toEqual([
    'Write "../old.ts".',
    'Write "./lib/db.ts".',
    'Write "./lib/index.ts".',
  ]);
  expect(checkExtensions({ ...subject, runtime: "deno" })[0]?.level).toBe("error");
});

test("checkTypeImports() finds types among values, and none where the statement says so", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "api.ts": lines(
      'import { Row, read, both } from "./rows.ts";',
      'import { Context, defineService } from "supervisor";',
      'import { type Service } from "supervisor";',
      'import { type Hono } from "hono";',
      'import type { Row as Other } from "./rows.ts";',
      'export { Row } from "./rows.ts";',
    ),
    "rows.ts": lines(
      "export interface Row {}",
      "export function read() {}",
      "export type both = 1;",
      "export const both = 1;",
    ),
  });
  expect(briefly(checkTypeImports(await subjectOf(folder)))).toEqual([
    "warn TYPE_IMPORT 1:10 Row",
    "warn TYPE_IMPORT 2:10 Context",
    "warn TYPE_IMPORT 4:28 hono",
    "error TYPE_IMPORT 6:10 Row",
  ]);
});

test("checkTsconfigPaths() finds what only the paths explain, in a tsconfig with comments", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "tsconfig.json":
      '{ // ours\n "compilerOptions": { "paths": { "@lib/*": ["./lib/*"], "db": ["./db.ts"], }, },\n}',
    "api.ts": lines('import "@lib/a.ts";', 'import "db";', 'import "@other/a";', 'import type {} from "db";'),
  });
  const subject = await subjectOf(folder);
  expect(briefly(checkTsconfigPaths(subject))).toEqual([
    "warn TSCONFIG_PATHS 1:9 @lib/a.ts",
    "warn TSCONFIG_PATHS 2:9 db",
  ]);
  expect(briefly(checkPackages(subject))).toEqual(["error PACKAGE_MISSING 3:9 @other/a"]);
});

test("checkPackageType() tells CommonJS from nothing said, and leaves .mts files alone", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "package.json": '{\n  "type": "commonjs"\n}',
    "api.ts": 'import "./inner/a.ts";\nimport "./good/a.ts";\nimport "./other/a.mts";\n',
    "inner/package.json": "{}",
    "inner/a.ts": "",
    "good/package.json": '{ "type": "module" }',
    "good/a.ts": "",
    "other/package.json": "{}",
    "other/a.mts": "",
  });
  expect(briefly(checkPackageType(await subjectOf(folder)))).toEqual([
    'warn PACKAGE_TYPE 2:3 "type": "commonjs"',
    "info PACKAGE_TYPE 1:1 {",
  ]);
});

test("checkPackages() finds what is not installed, and knows builtins, own names and what is provided", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "package.json": '{ "name": "shop", "type": "module" }',
    "node_modules/there/package.json": "{}",
    "api.ts": lines(
      'import "there/sub";',
      'import "fs";',
      'import "node:fs";',
      'import "shop";',
      'import "supervisor";',
      'import "#own";',
      'import "@no/such/sub";',
      'import type {} from "types-only";',
      'await import("maybe");',
    ),
  });
  expect(briefly(checkPackages(await subjectOf(folder)))).toEqual([
    "error PACKAGE_MISSING 7:9 @no/such/sub",
    "warn PACKAGE_MISSING 9:15 maybe",
  ]);
});

test("checkNativeAddons() finds machine code in a package and in what it depends on, each package once", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "node_modules/gyp/package.json": "{}",
    "node_modules/gyp/binding.gyp": "{}",
    "node_modules/pure/package.json": '{ "dependencies": { "deep": "1" } }',
    "node_modules/deep/package.json": '{ "dependencies": { "node-gyp-build": "4" } }',
    "node_modules/js/package.json": '{ "dependencies": { "pure-too": "1" } }',
    "node_modules/pure-too/package.json": "{}",
    "node_modules/built/package.json": "{}",
    "node_modules/built/prebuilds/linux-x64/a.node": "",
    "api.ts": lines(
      'import "gyp";',
      'import "pure";',
      'import "js";',
      'import "built";',
      'import "gyp/sub";',
    ),
  });
  const findings = checkNativeAddons(await subjectOf(folder));
  expect(briefly(findings)).toEqual([
    "warn NATIVE_ADDON 1:9 gyp",
    "warn NATIVE_ADDON 2:9 pure",
    "warn NATIVE_ADDON 4:9 built",
  ]);
  expect(findings[1]?.message).toContain('depends on "deep"');
});

test("checkCommonjs() finds its words in ES modules, not in comments, own names or .cts files", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "api.ts": lines(
      'import "./made.ts";',
      'import "./old.cts";',
      "// __filename",
      "require('./x'), __dirname;",
    ),
    "made.ts":
      "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nrequire('x');\n",
    "old.cts": "module.exports = __dirname;\n",
  });
  const subject = await subjectOf(folder);
  expect(briefly(checkCommonjs(subject))).toEqual([
    "warn COMMONJS 4:1 require",
    "warn COMMONJS 4:17 __dirname",
  ]);
  expect(checkCommonjs({ ...subject, runtime: "deno" })[0]?.level).toBe("error");
});

test("checkRuntimeApis() finds globals and specifiers of one runtime, unless the file asks which one it is", async () => {
  using folder = tempDir({
    "services.yaml": oneService,
    "api.ts": lines(
      'import "./both.ts";',
      'import "bun:sqlite";',
      'import "npm:hono";',
      "Bun.version; x.Bun.y; Deno.env;",
    ),
    "both.ts": "const v = typeof Deno === 'undefined' ? Bun.version : Deno.version;\n",
  });
  const subject = await subjectOf(folder);
  expect(briefly(checkRuntimeApis(subject))).toEqual([
    "warn RUNTIME_API 4:1 Bun.version",
    "warn RUNTIME_API 4:23 Deno.env",
    "warn RUNTIME_API 2:9 bun:sqlite",
    "error RUNTIME_API 3:9 npm:hono",
  ]);
  expect(briefly(checkRuntimeApis({ ...subject, runtime: "deno" })).slice(2)).toEqual([
    "error RUNTIME_API 2:9 bun:sqlite",
    "warn RUNTIME_API 3:9 npm:hono",
  ]);
});
