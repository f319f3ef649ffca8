import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import { shownAs } from "../../src/observe/log-pretty.ts";
import type { LogWriterOptions } from "../../src/observe/log-writer.ts";
import { createLogWriter } from "../../src/observe/log-writer.ts";

const time = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

function writer(options: Partial<LogWriterOptions> = {}) {
  const lines: string[] = [];
  const { sink } = createLogWriter({
    level: "info",
    format: "json",
    color: false,
    secrets: ["hunter2!"],
    write: (text) => lines.push(text),
    ...options,
  });
  return {
    lines,
    sink,
    write: (record: Partial<LogRecord>) => sink({ time, level: "info", message: "m", ...record }),
  };
}

describe("createLogWriter, json", () => {
  test("one record is one line: time, level, msg, service, generation, then the fields", () => {
    const { lines, write } = writer();
    write({ message: 'say "hi"\nthere', service: "api", generation: 2, fields: { a: 1, b: undefined } });
    expect(lines).toEqual([
      `{"time":"${new Date(time).toISOString()}","level":"info","msg":"say \\"hi\\"\\nthere","service":"api","generation":2,"a":1}\n`,
    ]);
  });

  test("frames of the supervisor are in stacks at the level debug only", () => {
    const error = new Error("x");
    const ours = `    at start (${join(import.meta.dir, "../../src/host/inline.ts")}:1:2)`;
    error.stack = `Error: x\n    at api (/srv/api.ts:1:2)\n${ours}`;
    const usual = writer();
    usual.write({ fields: { error } });
    expect(JSON.parse(usual.lines[0] as string).error.stack).toBe("Error: x\n    at api (/srv/api.ts:1:2)");
    const all = writer({ level: "debug" });
    all.write({ fields: { error } });
    expect(JSON.parse(all.lines[0] as string).error.stack).toBe(error.stack);
  });

  test("secrets are hidden in messages and fields", () => {
    const { lines, write } = writer();
    write({ message: "with hunter2!", fields: { url: "http://a:hunter2!@b", token: "x" } });
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      msg: "with ***",
      url: "http://a:***@b",
      token: "***",
    });
  });

  test("a field cannot pass for what the record itself says", () => {
    const { lines, write } = writer();
    write({ service: "api", fields: { level: "debug", service: "other", msg: "fake" } });
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      level: "info",
      msg: "m",
      service: "api",
      _level: "debug",
      _service: "other",
      _msg: "fake",
    });
  });

  test("records below the level are not written, and a logger does not even make them", () => {
    const { lines, sink, write } = writer({ level: "warn" });
    let asked = 0;
    const log = createLogger(sink, () => ++asked);
    log.info("no");
    write({ level: "debug" });
    expect([lines.length, asked]).toEqual([0, 0]);
    log.warn("yes");
    expect([lines.length, asked]).toEqual([1, 1]);
  });

  test("a logger takes an error where the message or the fields belong", () => {
    const { lines, sink } = writer();
    const log = createLogger(sink, () => time) as unknown as { error(...values: unknown[]): void };
    const error = new TypeError("no such order");
    log.error(error, { order: 5 });
    log.error(error);
    log.error(new Error("", { cause: error }));
    log.error("cannot ship", error);
    log.error(error, "cannot ship");
    log.error(error, { error: "mine" });
    const told = lines.map((line) => JSON.parse(line));
    expect(told.map(({ msg }) => msg)).toEqual([
      "no such order",
      "no such order",
      "Error",
      "cannot ship",
      "cannot ship",
      "no such order",
    ]);
    const whole = expect.objectContaining({
      name: "TypeError",
      message: "no such order",
      stack: expect.any(String),
    });
    for (const index of [0, 1, 3, 4, 5]) expect(told[index].error).toEqual(whole);
    expect(told[2].error.cause).toEqual(whole);
    expect(told[0].order).toBe(5);
    expect(told[5]._error).toBe("mine");
  });

  test("a record that cannot be read still writes its message", () => {
    const { lines, write } = writer();
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("trap");
        },
      },
    );
    write({ fields: hostile });
    expect(JSON.parse(lines[0] as string)).toMatchObject({ msg: "m", fields: "unreadable" });
  });
});

describe("createLogWriter, pretty", () => {
  test("the column of names is as wide as those that are known, from the first line on", () => {
    const { lines, write } = writer({ format: "pretty", nameWidth: 7 });
    write({ message: "starting" });
    write({ message: "ready", fields: { service: "api" } });
    write({ message: "ready", fields: { service: "a-late-one" } });
    expect(lines).toEqual([
      "03:04:05.006 INFO          starting\n",
      "03:04:05.006 INFO  api     ready\n",
      "03:04:05.006 INFO  a-late-one ready\n",
    ]);
  });

  test("columns: time, level, service, message, fields; names are padded to the longest seen", () => {
    const { lines, write } = writer({ format: "pretty" });
    write({ message: "starting" });
    write({ message: "hello", service: "morning", fields: { path: "/x", note: "two words", n: 1 } });
    write({ level: "warn", message: "slow", service: "api" });
    expect(lines.join("")).toBe(
      [
        "03:04:05.006 INFO  starting",
        '03:04:05.006 INFO  morning hello path=/x note="two words" n=1',
        "03:04:05.006 WARN  api     slow",
        "",
      ].join("\n"),
    );
  });

  test("an error is indented below its record: message, hint, frames, causes", () => {
    const { lines, write } = writer({ format: "pretty" });
    const error = Object.assign(new Error("outer", { cause: new TypeError("inner") }), { hint: "do this" });
    error.stack = "Error: outer\n    at go (/srv/a.ts:1:2)";
    (error.cause as Error).stack = "TypeError: inner\n    at deep (/srv/b.ts:3:4)";
    write({ level: "error", message: "failed", fields: { error } });
    expect(lines).toEqual([
      [
        "03:04:05.006 ERROR failed",
        "    Error: outer",
        "      hint: do this",
        "      at go (/srv/a.ts:1:2)",
        "    caused by: TypeError: inner",
        "      at deep (/srv/b.ts:3:4)",
        "",
      ].join("\n"),
    ]);
  });

  test("an error in place of the message never fails who logs, whatever its fields and its message are", () => {
    const records: LogRecord[] = [];
    const log = createLogger(
      (record) => records.push(record),
      () => 0,
    );
    const thrower = {
      get x() {
        throw new Error("getter");
      },
    };
    const odd = Object.defineProperty(
      new Error("e"),
      "message",
      Object.getOwnPropertyDescriptor(thrower, "x") ?? {},
    );
    log.error(new Error("e") as never, thrower);
    log.error(odd as never);
    log.error(new Error("e") as never, { error: 1, _error: 2 });
    expect(records.map(({ message }) => message)).toEqual([
      "e",
      "an error whose message cannot be read",
      "e",
    ]);
    expect(records[0]?.fields).toMatchObject({ fields: "unreadable" });
    expect(records[2]?.fields).toMatchObject({ _error: 1 });
  });

  test("a cause that is no error is shown as it is", () => {
    const { lines, write } = writer({ format: "pretty" });
    const error = new Error("outer", { cause: { status: 503 } });
    error.stack = "Error: outer";
    write({ level: "error", message: "failed", fields: { error } });
    expect(lines[0]).toContain('\n    caused by: {"status":503}\n');
  });

  test("more lines of a message are indented below the first", () => {
    const { lines, write } = writer({ format: "pretty" });
    write({ message: "one\ntwo" });
    expect(lines[0]).toBe("03:04:05.006 INFO  one\n    two\n");
  });

  test("control characters of a service are told, not obeyed; its colors stay where there are any", () => {
    const evil = "a\u001b[2J\u001b[31mb";
    const plain = writer({ format: "pretty" });
    plain.write({ message: evil, fields: { field: evil, lines: `${evil}\n`, error: new Error(evil) } });
    expect(plain.lines.join("")).not.toContain("\u001b");
    const colored = writer({ format: "pretty", color: true });
    colored.write({ message: evil });
    expect(colored.lines[0]).toContain("a\\u001b[2J\u001b[31mb\u001b[0m");
  });

  test("shownAs stands in place of the fields, for people only", () => {
    const fields = { service: "api", ms: 12, [shownAs]: () => "(12 ms)\ntable" };
    const pretty = writer({ format: "pretty" });
    pretty.write({ message: "ready", fields });
    expect(pretty.lines[0]).toBe("03:04:05.006 INFO  api ready (12 ms)\n    table\n");
    const json = writer();
    json.write({ message: "ready", fields });
    expect(JSON.parse(json.lines[0] as string)).toMatchObject({ msg: "ready", service: "api", ms: 12 });
  });

  test("colours only when asked for, and the same one for a service every time", () => {
    const { lines, write } = writer({ format: "pretty", color: true });
    write({ service: "api" });
    write({ service: "api" });
    expect(lines[0]).toContain("\u001b[");
    expect(lines[0]).toBe(lines[1] as string);
    const plain = writer({ format: "pretty" });
    plain.write({ service: "api", level: "error", fields: { a: 1 } });
    expect(plain.lines[0]).not.toContain("\u001b");
  });
});
