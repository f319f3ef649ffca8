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

  test("undone in the order in which they were made, two of them leave what was there before", () => {
    const said: unknown[][] = [];
    const { log } = console;
    console.log = (...values) => void said.push(values);
    const { records } = capture();
    const first = restore;
    capture((record) => void records.push(record));
    first();
    restore();
    console.log("after both");
    console.log = log;
    expect(said).toEqual([["after both"]]);
    expect(records).toEqual([]);
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

  test("table() and dir() draw what the runtime would print", () => {
    const { records, inService } = capture();
    inService(() => console.table([{ a: 1, b: "x" }, { a: 2 }], ["a"]));
    inService(() => console.dir({ deep: { er: {} } }, { depth: 0, colors: true }));
    inService(() => console.dirxml("a", { b: 1 }));
    console.table("no table");
    const [table, ...rest] = records;
    expect(table?.service).toBe("api");
    expect(table?.message).toMatch(
      /^Table:\n┌─+┬─+┐\n│ \(index\) │ a │\n├.+┤\n│ .*│ 1 │\n│ .*│ 2 │\n└─+┴─+┘$/,
    );
    expect(rest.map(({ service, message }) => [service, message])).toEqual([
      ["api", "{ deep: [Object] }"],
      ["api", "a { b: 1 }"],
      [undefined, "no table"],
    ]);
  });

  test("assert() is an error when it does not hold, and keeps an Error", () => {
    const { records } = capture();
    const error = new Error("boom");
    console.assert(true, "fine");
    console.assert(false);
    console.assert(false, "%d left", 2);
    console.assert(false, "why:", error);
    expect(records.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ["error", "Assertion failed", undefined],
      ["error", "Assertion failed: 2 left", undefined],
      ["error", "Assertion failed: why:", { error }],
    ]);
  });

  test("count() counts for each service on its own", () => {
    const { records, inService } = capture();
    const count = (label?: string) => console.count(label);
    count();
    inService(() => count());
    inService(() => count());
    inService(() => count("other"));
    inService(() => console.countReset());
    inService(() => count());
    console.countReset("never");
    expect(records.map(({ service, level, message }) => [service, level, message])).toEqual([
      [undefined, "info", "default: 1"],
      ["api", "info", "default: 1"],
      ["api", "info", "default: 2"],
      ["api", "info", "other: 1"],
      ["api", "info", "default: 1"],
      [undefined, "warn", 'console.countReset(): there is no "never"'],
    ]);
  });

  test("time(), timeLog() and timeEnd() measure for each service on its own", () => {
    const { records, inService } = capture();
    inService(() => console.time("query"));
    console.timeEnd("query");
    inService(() => console.time("query"));
    inService(() => console.timeLog("query", "rows", 3));
    inService(() => console.timeEnd("query"));
    inService(() => console.timeEnd("query"));
    const shown = records.map(({ service, level, message }) => [
      service,
      level,
      message.replace(/[\d.]+ms/, "T"),
    ]);
    expect(shown).toEqual([
      [undefined, "warn", 'console.timeEnd(): there is no "query"'],
      ["api", "warn", 'console.time(): "query" is running already'],
      ["api", "info", "query: T rows 3"],
      ["api", "info", "query: T"],
      ["api", "warn", 'console.timeEnd(): there is no "query"'],
    ]);
  });

  test("group() indents what its service says until groupEnd(), and nobody else's", () => {
    const { records, inService } = capture();
    inService(() => console.group("outer"));
    inService(() => console.groupCollapsed());
    inService(() => console.warn("two\nlines"));
    console.log("outside");
    inService(() => console.groupEnd());
    inService(() => console.log("one"));
    for (let more = 0; more < 3; more++) inService(() => console.groupEnd());
    inService(() => console.log("none"));
    expect(records.map(({ service, message }) => [service, message])).toEqual([
      ["api", "outer"],
      ["api", "    two\n    lines"],
      [undefined, "outside"],
      ["api", "  one"],
      ["api", "none"],
    ]);
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
