import { expect, test } from "bun:test";
import type { LogRecord } from "../../src/core/log.ts";
import { journalEntry } from "../../src/observe/log-journal.ts";
import { createLogWriter } from "../../src/observe/log-writer.ts";
import { createRedactor } from "../../src/observe/redact.ts";

const record = (over: Partial<LogRecord> = {}): LogRecord => ({
  time: 0,
  level: "info",
  message: "hello",
  ...over,
});
const textOf = (over: Partial<LogRecord>) =>
  new TextDecoder().decode(journalEntry(record(over), createRedactor(["s3cret"]), "shop"));

test("journalEntry() gives who speaks and every field a name of its own", () => {
  const text = textOf({ level: "warn", service: "api", generation: 2, fields: { orderId: 7, code: "E_X" } });
  expect(text.split("\n")).toEqual([
    "MESSAGE=api: hello",
    "PRIORITY=4",
    "SYSLOG_IDENTIFIER=shop",
    "SERVICE=api",
    "GENERATION=2",
    "ORDER_ID=7",
    "CODE=E_X",
    "",
  ]);
});

test("journalEntry() says how long a value of several lines is", () => {
  const text = textOf({ message: "two\nlines" });
  expect(text).toStartWith("MESSAGE\n\t\0\0\0\0\0\0\0two\nlines\nPRIORITY=6\n");
});

test("journalEntry() tells an error in the message, and its parts by themselves", () => {
  const text = textOf({ fields: { error: Object.assign(new Error("no route"), { code: "E_NET" }) } });
  expect(text).toContain("MESSAGE=hello: no route\n");
  expect(text).toContain("CODE=E_NET\n");
  expect(text).toContain("ERROR_STACK\n");
});

test("journalEntry() lets no field pass for one of its own or of the journal's, and hides secrets", () => {
  const text = textOf({ message: "s3cret", fields: { message: "x", _pid: "1", "a-b": "s3cret" } });
  expect(text).toContain("MESSAGE=***\n");
  expect(text).toContain("FIELD__PID=1\n");
  expect(text).toContain("A_B=***\n");
  expect(text.match(/^MESSAGE=/gm)).toHaveLength(1);
});

const look = { level: "info", format: "journal", color: false, secrets: [] } as const;

test("createLogWriter() sends to the journal, and copies lines of JSON", () => {
  const sent: Uint8Array[] = [];
  const written: string[] = [];
  const copied: string[] = [];
  const journal = { identifier: "shop", send: (entry: Uint8Array) => sent.push(entry) > 0 };
  const writer = createLogWriter({
    ...look,
    journal,
    write: (text) => void written.push(text),
    copy: (_service, line) => void copied.push(line),
  });
  writer.sink(record());
  writer.sink(record({ level: "debug" }));
  expect(sent).toHaveLength(1);
  expect(written).toEqual([]);
  expect(copied).toEqual(['{"time":"1970-01-01T00:00:00.000Z","level":"info","msg":"hello"}\n']);
});

test("createLogWriter() writes what the journal does not take, with its level before it", () => {
  const written: string[] = [];
  const journal = { identifier: "shop", send: () => false };
  createLogWriter({ ...look, journal, write: (text) => void written.push(text) }).sink(
    record({ level: "error" }),
  );
  expect(written).toEqual(['<3>{"time":"1970-01-01T00:00:00.000Z","level":"error","msg":"hello"}\n']);
});
