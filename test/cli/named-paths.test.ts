import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { namedFolder, namedPath, namedProgram } from "../../src/cli/named-paths.ts";
import { tempDir } from "../support/temp-dir.ts";

function release() {
  const folder = tempDir({ "shop-42/app/services.yaml": "", "shop-42/services.yaml": "", "bin/tool-1": "" });
  symlinkSync("shop-42/app", join(folder.path, "shop"));
  symlinkSync("tool-1", join(folder.path, "bin/tool"));
  return folder;
}

test("namedFolder() is what PWD says when it is the same folder, and the working directory otherwise", () => {
  using folder = release();
  const cwd = join(folder.path, "shop-42/app");
  const link = join(folder.path, "shop");
  expect(namedFolder({ cwd, variables: { PWD: link } })).toBe(link);
  for (const PWD of [undefined, "", "shop", folder.path, join(folder.path, "absent")]) {
    expect(namedFolder({ cwd, variables: { PWD } })).toBe(cwd);
  }
});

test("namedPath() keeps the link of the folder, and `..` is what it is for the system", () => {
  using folder = release();
  const terminal = {
    cwd: join(folder.path, "shop-42/app"),
    variables: { PWD: join(folder.path, "shop") },
  };
  expect(namedPath("services.yaml", terminal)).toBe(join(folder.path, "shop/services.yaml"));
  expect(namedPath("../services.yaml", terminal)).toBe(join(folder.path, "shop-42/services.yaml"));
});

test("namedProgram() is the link in the folder of PATH, or the one that was typed", () => {
  using folder = release();
  mkdirSync(join(folder.path, "other"));
  folder.write("other/tool", "");
  const executable = join(folder.path, "bin/tool-1");
  const named = (word: string, PATH?: string) =>
    namedProgram(word, executable, { cwd: folder.path, variables: { PATH } });
  const link = join(folder.path, "bin/tool");
  expect(named("tool", `${folder.path}/other:${folder.path}/bin`)).toBe(link);
  expect(named("tool", "bin")).toBe(link);
  expect(named("bin/tool")).toBe(link);
  expect(named("tool", "/nowhere")).toBe(executable);
  expect(named("tool")).toBe(executable);
});
