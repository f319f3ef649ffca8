import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { linkedFolders, packagesOf } from "../../src/seal/packages.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("packagesOf()", () => {
  test("reads licenses of every age, and makes up no version", () => {
    using folder = tempDir({
      "node_modules/a/package.json": `{ "name": "a", "version": "1.0.0", "license": { "type": "BSD" } }`,
      "node_modules/b/package.json": `{ "name": "b", "licenses": [{ "type": "MIT" }, "GPL-2.0"] }`,
      "node_modules/@s/c/package.json": "{}",
    });
    const paths = ["node_modules/a/x.js", "node_modules/b/x.js", "node_modules/@s/c/x.js"];
    expect(packagesOf(folder.path, paths)).toEqual([
      { name: "@s/c" },
      { name: "a", version: "1.0.0", license: "BSD" },
      { name: "b", license: "MIT OR GPL-2.0" },
    ]);
  });

  test("has packages of a workspace, which are only linked", () => {
    using folder = tempDir({
      "apps/shop/a.ts": "",
      "packages/lib/package.json": `{ "name": "@m/lib", "version": "4.5.6", "license": "MIT" }`,
      "packages/lib/src/index.ts": "",
    });
    mkdirSync(join(folder.path, "node_modules/@m"), { recursive: true });
    symlinkSync("../../packages/lib", join(folder.path, "node_modules/@m/lib"));
    const shop = join(folder.path, "apps/shop");
    const path = "../../packages/lib/src/index.ts";
    const imports = [
      { path, specifier: "@m/lib/sub" },
      { path: "b.ts", specifier: "./b.ts" },
    ];
    const linked = linkedFolders(shop, [{ path: "a.ts", isModule: true, imports }]);
    expect(packagesOf(shop, ["a.ts", path], linked)).toEqual([
      { name: "@m/lib", version: "4.5.6", license: "MIT" },
    ]);
  });
});
