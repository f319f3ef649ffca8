import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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

test("writeStopReport() gives a pipe half a second to get a reader, and goes on without", () => {
  using folder = tempDir();
  const pipe = join(folder.path, "pipe");
  spawnSync("mkfifo", [pipe]);
  const since = performance.now();
  expect(write(pipe)).toMatchObject([{ level: "error", message: `cannot write the stop report to ${pipe}` }]);
  expect(performance.now() - since).toBeWithin(400, 2_000);
});

test("writeStopReport() writes the whole of a long report to a pipe that is read", async () => {
  using folder = tempDir();
  const pipe = join(folder.path, "pipe");
  spawnSync("mkfifo", [pipe]);
  // Into a file: this process cannot read while it writes.
  const reader = spawn("sh", ["-c", 'cat "$0/pipe" > "$0/copy"', folder.path], { stdio: "inherit" });
  const ended = once(reader, "exit");
  const services = Array.from({ length: 5_000 }, (_, index) => ({
    service: `s${index}`,
    generation: 1,
    outcome: "stopped" as const,
    startedMs: 0,
    durationMs: 1,
    deadlineMs: 2,
  }));
  const records: LogRecord[] = [];
  writeStopReport(
    pipe,
    { ...report, services },
    createLogger((record) => records.push(record), Date.now),
  );
  expect(records).toEqual([]);
  await ended;
  expect(JSON.parse(readFileSync(join(folder.path, "copy"), "utf8")).services).toHaveLength(5_000);
});

test("writeStopReport() never replaces what is no file, and logs what it cannot write", () => {
  using folder = tempDir();
  const place = join(folder.path, "folder");
  mkdirSync(place);
  expect(write(place)).toMatchObject([{ level: "error" }]);
  expect(lstatSync(place).isDirectory()).toBe(true);
  expect(write(join(folder.path, "absent", "report.json"))).toMatchObject([{ level: "error" }]);
});
