import { expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import type { StopReport } from "../../src/core/report.ts";
import { writeStopReport } from "../../src/observe/stop-report-file.ts";
import { tempDir } from "../support/temp-dir.ts";

const report: StopReport = {
  cause: { tag: "request" },
  outcome: "clean",
  startedAt: 1,
  durationMs: 2,
  budgetMs: 3,
  services: [],
};

function write(file: string): LogRecord[] {
  const records: LogRecord[] = [];
  const log = createLogger((record) => records.push(record), Date.now);
  writeStopReport(file, report, log);
  return records;
}

test("writeStopReport() replaces a file whole and leaves no draft", () => {
  using folder = tempDir({ "report.json": "old" });
  const file = join(folder.path, "report.json");
  expect(write(file)).toEqual([]);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(report);
  expect(readdirSync(folder.path)).toEqual(["report.json"]);
});

test("writeStopReport() follows a link instead of replacing it", () => {
  using folder = tempDir({ "target.json": "" });
  const link = join(folder.path, "link");
  symlinkSync("target.json", link);
  write(link);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(JSON.parse(readFileSync(join(folder.path, "target.json"), "utf8"))).toEqual(report);
});

test("writeStopReport() never replaces what is no file, and logs what it cannot write", () => {
  using folder = tempDir();
  const place = join(folder.path, "folder");
  mkdirSync(place);
  expect(write(place)).toMatchObject([{ level: "error" }]);
  expect(lstatSync(place).isDirectory()).toBe(true);
  expect(write(join(folder.path, "absent", "report.json"))).toMatchObject([{ level: "error" }]);
});
