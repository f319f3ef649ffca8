import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assertStopReportWritable } from "../../src/observe/stop-report-check.ts";
import { tempDir } from "../support/temp-dir.ts";

test("assertStopReportWritable() refuses a folder that is absent, a folder, and a path below a file", () => {
  using folder = tempDir({ file: "" });
  const place = join(folder.path, "folder");
  mkdirSync(place);
  const refused = (file: string, message: string) =>
    expect(() => assertStopReportWritable(file)).toThrow(
      expect.objectContaining({
        code: "FILE_UNWRITABLE",
        message: `Cannot write the stop report to ${message}`,
      }),
    );
  const absent = join(folder.path, "absent", "report.json");
  refused(absent, `${absent}: its folder does not exist`);
  refused(place, `${place}: it is a folder`);
  const below = join(folder.path, "file", "report.json");
  refused(below, `${below}: a part of the path is a file, not a folder`);
  expect(readdirSync(folder.path).toSorted()).toEqual(["file", "folder"]);
});

test("assertStopReportWritable() accepts what can be written, and leaves it as it was", () => {
  using folder = tempDir({ "old.json": "old" });
  assertStopReportWritable(join(folder.path, "old.json"));
  assertStopReportWritable(join(folder.path, "new.json"));
  assertStopReportWritable("/dev/null");
  expect(readdirSync(folder.path)).toEqual(["old.json"]);
  expect(readFileSync(join(folder.path, "old.json"), "utf8")).toBe("old");
});

test("assertStopReportWritable() does not wait for the reader of a pipe", () => {
  using folder = tempDir();
  const pipe = join(folder.path, "pipe");
  spawnSync("mkfifo", [pipe]);
  assertStopReportWritable(pipe);
  expect(readdirSync(folder.path)).toEqual(["pipe"]);
});
