import { describe, expect, test } from "bun:test";
import { SupervisorError } from "../../src/core/errors.ts";
import type { SupervisorEvent } from "../../src/core/events.ts";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import type { ServiceStop, StopReport } from "../../src/core/report.ts";
import type { ServiceSnapshot } from "../../src/core/snapshot.ts";
import { logEvents } from "../../src/observe/event-log.ts";
import { createLogWriter } from "../../src/observe/log-writer.ts";

const time = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

/** What a person reads, without the times, and the records of level info and above. */
function play(events: readonly SupervisorEvent[]) {
  const lines: string[] = [];
  const records: LogRecord[] = [];
  const write = (text: string) => void lines.push(text.replaceAll("03:04:05.006 ", ""));
  const { sink } = createLogWriter({ level: "info", format: "pretty", color: false, secrets: [], write });
  const log = createLogger(
    (record) => {
      if (record.level !== "debug") records.push(record);
      sink(record);
    },
    () => time,
  );
  const listener = logEvents(log);
  for (const event of events) listener(event);
  return { text: lines.join(""), records };
}

function became(
  name: string,
  state: ServiceSnapshot["state"],
  more: Partial<ServiceSnapshot> = {},
): SupervisorEvent {
  const snapshot = { name, state, generation: 1, critical: true, since: time, failures: 0, ...more };
  return { type: "serviceChanged", from: state === "ready" ? "starting" : "ready", snapshot };
}

function start(name: string, url: string, tookMs: number): SupervisorEvent[] {
  return [
    became(name, "starting", { since: time }),
    { type: "listening", service: name, url },
    became(name, "ready", { since: time + tookMs }),
  ];
}

const stop = (service: string, more: Partial<ServiceStop> = {}): ServiceStop => ({
  service,
  generation: 1,
  outcome: "stopped",
  startedMs: 0,
  durationMs: 3,
  deadlineMs: 10_000,
  ...more,
});

describe("logEvents", () => {
  test("a generation that was abandoned while recovering is told at once, and again when the stop leaves it behind", () => {
    const held = { requests: 0, streams: 0, websockets: 0, hooks: ["stop"] };
    const left = stop("api", { generation: 2, leftBehind: [{ generation: 1, held }] });
    const report: StopReport = {
      cause: { tag: "signal", signal: "SIGTERM" },
      outcome: "forced",
      startedAt: time,
      durationMs: 4,
      budgetMs: 30_000,
      services: [left],
    };
    const { text } = play([
      { type: "generationAbandoned", service: "api", generation: 1, held, allowedMs: 10_000 },
      { type: "serviceStopped", stop: left },
      { type: "groupStopped", report },
    ]);
    expect(text).toContain("abandoned: it did not stop within 10s, still holding stop()");
    expect(text).toContain("left behind: it was abandoned earlier and has not ended, still holding stop()");
    expect(text).toContain("stopped by force in 4 ms of 30s; cut off: api (generation 1)");
    expect(text).toMatch(/api +stopped +3ms +10s +generation 1: stop\(\)/);
  });

  test("a start reads as who is ready where and after how long", () => {
    const { text, records } = play([
      { type: "groupStarting", services: 2 },
      ...start("morning", "http://127.0.0.1:8080", 12),
      ...start("eve", "http://127.0.0.1:8081/eve", 13),
      { type: "groupReady", durationMs: 21, unready: [] },
      { type: "listening", url: "http://127.0.0.1:6060" },
    ]);
    expect(text).toBe(
      [
        "INFO  starting 2 services",
        "INFO  morning ready http://127.0.0.1:8080  (12 ms)",
        "INFO  eve     ready http://127.0.0.1:8081/eve  (13 ms)",
        "INFO          all 2 services ready in 21 ms: http://127.0.0.1:8080, http://127.0.0.1:8081",
        "INFO          health at http://127.0.0.1:6060",
        "",
      ].join("\n"),
    );
    expect(records[1]?.fields).toMatchObject({
      service: "morning",
      durationMs: 12,
      url: "http://127.0.0.1:8080",
    });
  });

  test("where health is told is not said any more once the stop has begun", () => {
    const listening = { type: "listening", url: "http://127.0.0.1:6060" } as const;
    const { text } = play([
      { type: "groupStopping", cause: { tag: "request" }, budgetMs: 30_000 },
      listening,
    ]);
    expect(text).not.toContain("health at");
  });

  test("a service that hangs or is unwell is told of at once, before it has ended", () => {
    const error = new SupervisorError(
      "START_TIMEOUT",
      'Service "api" was not ready within 1s',
      "Raise start_timeout",
    );
    const { text } = play([
      { type: "serviceFailed", service: "api", generation: 1, error },
      became("api", "stopping", { reason: error.message }),
    ]);
    expect(text).toBe('WARN  api stopping it: Service "api" was not ready within 1s\n');
  });

  test("a policy that starts a completed service again is no failure", () => {
    const { text } = play([became("api", "backoff", { retryAt: time + 100 })]);
    expect(text).toBe("INFO  api completed; starts again in 100ms\n");
  });

  test("a failure is one record with its error and when it is tried again", () => {
    const error = new Error("no database");
    error.stack = "Error: no database\n    at start (/srv/api.ts:3:4)";
    const { text, records } = play([
      { type: "serviceFailed", service: "api", generation: 1, error },
      became("api", "stopping"),
      became("api", "backoff", { reason: "no database", failures: 2, retryAt: time + 400 }),
    ]);
    expect(text).toBe(
      [
        "WARN  api failed: no database; retry 2 in 400ms",
        "    Error: no database",
        "      at start (/srv/api.ts:3:4)",
        "",
      ].join("\n"),
    );
    expect(records).toHaveLength(1);
    expect(records[0]?.fields).toMatchObject({ service: "api", failures: 2, retryInMs: 400, error });
  });

  test("giving up says whether that is the end of all, quarantine when the next try is", () => {
    const { text } = play([
      became("api", "failed", { reason: "x" }),
      became("mail", "quarantined", { reason: "y", critical: false, retryAt: time + 30_000 }),
    ]);
    expect(text).toContain("ERROR api failed: x; given up, and it is critical\n");
    expect(text).toContain("ERROR mail failed: y; quarantined after too many failures, next try in 30s\n");
  });

  test("a stop reads as the cause, each service's end, and a table", () => {
    const held = { requests: 2, streams: 0, websockets: 1, hooks: ["stop"] };
    const services = [stop("eve"), stop("morning", { outcome: "abandoned", durationMs: 10_000, held })];
    const report: StopReport = {
      cause: { tag: "signal", signal: "SIGTERM" },
      outcome: "forced",
      startedAt: time,
      durationMs: 10_050,
      budgetMs: 30_000,
      services,
    };
    const { text, records } = play([
      { type: "groupStopping", cause: report.cause, budgetMs: 30_000 },
      ...services.map((one) => ({ type: "serviceStopped", stop: one }) as const),
      { type: "groupStopped", report },
    ]);
    expect(text).toBe(
      [
        "INFO  stopping (SIGTERM), budget 30s",
        "INFO  eve stopped (3 ms)",
        "ERROR morning abandoned: it did not stop within 10s, still holding 2 requests, 1 websocket, stop()",
        "ERROR         stopped by force in 10.1s of 30s; cut off: morning",
        "    service  ended      took  allowed  held",
        "    eve      stopped    3ms   10s",
        "    morning  abandoned  10s   10s      2 requests, 1 websocket, stop()",
        "",
      ].join("\n"),
    );
    expect(records.at(-1)?.fields?.report).toBe(report);
  });

  test("an error during the stop is told at once", () => {
    const error = new Error("late");
    const { records } = play([
      { type: "groupStopping", cause: { tag: "request" }, budgetMs: 1_000 },
      { type: "serviceFailed", service: "api", generation: 1, error },
    ]);
    expect(records.at(-1)).toMatchObject({ level: "error", fields: { service: "api", error } });
  });

  test("who waits for whom is one line", () => {
    const need = { name: "db", condition: "ready", state: "quarantined" } as const;
    const waits = [
      { service: "api", needs: [need] },
      {
        service: "web",
        needs: [
          { ...need, condition: "completed", state: "ready" },
          { ...need, name: "api", condition: "started", state: "pending" },
        ],
      },
    ] as const;
    const { records } = play([
      { type: "servicesWaiting", waits: waits.slice(0, 1) },
      { type: "servicesWaiting", waits },
      { type: "servicesWaiting", waits: Array.from({ length: 10 }, () => waits[0]) },
    ]);
    expect(records.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "warn 1 service still waits: api for db (quarantined)",
      "warn 2 services still wait: api for db (quarantined); web for the completion of db (ready), the start of api (pending)",
      `warn 10 services still wait: ${Array.from({ length: 8 }, () => "api for db (quarantined)").join("; ")}; and 2 more`,
    ]);
    expect(records[0]?.fields).toMatchObject({ waits: waits.slice(0, 1) });
  });

  test("an error of what has ended is told under its service's name", () => {
    const error = new Error("left");
    const left = { type: "errorLeftBehind", service: "api", generation: undefined, error } as const;
    const { records } = play([left, { ...left, generation: 1 }]);
    const told = records.map(({ level, message, fields }) => [level, message, fields?.service]);
    expect(told).toEqual([
      ["error", "an error that nobody caught, while it does not run: nothing follows", "api"],
      ["error", "an error that nobody caught, of a generation that has ended: nothing follows", "api"],
    ]);
  });

  test("an error that nobody is blamed for is told", () => {
    const error = new Error("whose?");
    expect(play([{ type: "errorUnattributed", error }]).records[0]).toMatchObject({
      level: "error",
      fields: { error },
    });
  });

  test("with a thousand services a start and a stop are few lines, and a restart is one again", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
    const services = names.map((name) => stop(name));
    const report: StopReport = {
      cause: { tag: "request" },
      outcome: "clean",
      startedAt: time,
      durationMs: 50,
      budgetMs: 30_000,
      services: services.map((one, index) =>
        index === 7 ? { ...one, outcome: "failed", error: "oh" } : one,
      ),
    };
    const { records, text } = play([
      { type: "groupStarting", services: 1_000 },
      ...names.flatMap((name, index) => start(name, `http://127.0.0.1:${10_000 + index}`, 5)),
      { type: "groupReady", durationMs: 100, unready: [] },
      became("s1", "ready"),
      { type: "groupStopping", cause: { tag: "request" }, budgetMs: 30_000 },
      ...services.map((one) => ({ type: "serviceStopped", stop: one }) as const),
      { type: "groupStopped", report },
    ]);
    expect(records.map(({ message }) => message)).toEqual([
      "starting 1000 services",
      "all 1000 services ready in 100 ms: http://127.0.0.1:10000, http://127.0.0.1:10001, http://127.0.0.1:10002, http://127.0.0.1:10003 and 996 more",
      "ready",
      "stopping (on request), budget 30s",
      "stopped in order in 50 ms of 30s",
    ]);
    expect(text).toContain("    s7       failed  3ms   10s      oh\n    999 more services ended well\n");
  });

  test("a long start of many services shows how far it is", () => {
    const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
    const { text } = play([
      { type: "groupStarting", services: 100 },
      ...names.flatMap((name, index) => start(name, "http://h", index * 100)),
    ]);
    expect(text.split("\n").filter((line) => line.includes(" of 100 services ready"))).toHaveLength(9);
  });
});
