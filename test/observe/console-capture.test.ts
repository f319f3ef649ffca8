import { afterEach, describe, expect, test } from "bun:test";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import { captureConsole } from "../../src/observe/console-capture.ts";
import { scopes } from "../../src/service/scope.ts";

let restore = () => {};
afterEach(() => restore());

function capture(sink?: (record: LogRecord) => void) {
  const records: LogRecord[] = [];
  const take = sink ?? ((record: LogRecord) => void records.push(record));
  restore = captureConsole(createLogger(take, () => 0));
  const scope = {
    service: "api",
    generation: 3,
    log: createLogger(take, () => 0, { service: "api", generation: 3 }),
    beacon: 1,
    failed() {},
  };
  return { records, inService: (work: () => void) => scopes.run(scope, work) };
}

describe("captureConsole", () => {
  test("inside a service, also after an await, the record is the service's; outside, the supervisor's", async () => {
    const { records, inService } = capture();
    console.log("outside");
    inService(() => console.warn("inside"));
    await new Promise<void>((resolve) => {
      inService(() => {
        void Promise.resolve().then(() => {
          console.error("later");
          resolve();
        });
      });
    });
    expect(records).toEqual([
      { time: 0, level: "info", message: "outside" },
      { time: 0, level: "warn", message: "inside", service: "api", generation: 3 },
      { time: 0, level: "error", message: "later", service: "api", generation: 3 },
    ]);
  });

  test("formats like node:util and keeps the level of each method", () => {
    const { records } = capture();
    console.log("%s has %d of %j", "a", 2, { b: 1 });
    console.info("values", { a: [1, 2] }, null);
    console.debug("d");
    console.log();
    expect(records.map(({ level, message }) => [level, message])).toEqual([
      ["info", 'a has 2 of {"b":1}'],
      ["info", "values { a: [ 1, 2 ] } null"],
      ["debug", "d"],
      ["info", ""],
    ]);
  });

  test("an Error that comes last is a field, so that its stack stays in the record", () => {
    const { records } = capture();
    const error = new Error("boom");
    console.error("query failed:", error);
    console.error(error);
    expect(records.map(({ message, fields }) => [message, fields])).toEqual([
      ["query failed:", { error }],
      ["boom", { error }],
    ]);
  });

  test("trace() carries the stack of its caller", () => {
    const { records } = capture();
    console.trace("here");
    expect(records[0]?.message).toBe("Trace: here");
    expect(String(records[0]?.fields?.stack)).toContain("console-capture.test.ts");
  });

  test("a sink that logs to the console itself does not recurse", () => {
    let calls = 0;
    const original = console.log;
    const seen: unknown[] = [];
    console.log = (...values) => void seen.push(values);
    capture(() => {
      calls += 1;
      console.log("from the sink");
    });
    console.log("once");
    restore();
    console.log = original;
    expect(calls).toBe(1);
    expect(seen).toEqual([["from the sink"]]);
  });

  test("restoring gives the original methods back", () => {
    const before = console.log;
    capture();
    expect(console.log).not.toBe(before);
    restore();
    expect(console.log).toBe(before);
  });
});
