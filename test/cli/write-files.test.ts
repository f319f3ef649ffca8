import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../../src/cli/write-files.ts";
import { tempDir } from "../support/temp-dir.ts";

const files = { "a.txt": "A", "deep/er/b.txt": "B" };

test("writeFiles() makes the folders that the files need", () => {
  using folder = tempDir();
  writeFiles(join(folder.path, "x", "y"), files);
  expect(readFileSync(join(folder.path, "x/y/deep/er/b.txt"), "utf8")).toBe("B");
});

test("writeFiles() takes back what it has made when a later file fails, and nothing else", () => {
  using folder = tempDir({ "mine/keep": "" });
  const target = join(folder.path, "mine");
  // Looks absent, and yet is in the way.
  symlinkSync(join(folder.path, "nowhere"), join(target, "last.txt"));
  expect(() => writeFiles(target, { ...files, "last.txt": "" })).toThrow(
    expect.objectContaining({ code: "FILE_UNWRITABLE" }),
  );
  expect(readdirSync(target).toSorted()).toEqual(["keep", "last.txt"]);
  expect(existsSync(join(folder.path, "nowhere"))).toBe(false);
});
