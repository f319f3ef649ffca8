import { describe, expect, test } from "bun:test";
import type { ServiceSnapshot, ServiceState } from "../../src/core/snapshot.ts";
import { describeLeft, forcedReport } from "../../src/observe/forced-report.ts";

const wall = 1_700_000_010_000;
const startedAt = wall - 10_000;

function service(name: string, state: ServiceState, since: number, generation = 1): ServiceSnapshot {
  return { name, state, since, generation, critical: true, failures: 0 };
}

const services = [
  service("api", "ready", startedAt - 60_000),
  service("db", "stopping", startedAt + 4_000),
  service("web", "stopped", startedAt + 3_000),
  service("job", "completed", startedAt - 5_000),
  service("late", "pending", startedAt - 60_000, 0),
  service("bad", "quarantined", startedAt - 60_000),
];

describe("forcedReport", () => {
  test("tells from snapshots who was cut off, who had ended, who never began", () => {
    const stop = { cause: { tag: "request" }, at: 0, budgetMs: 10_000 } as const;
    const report = forcedReport(stop, services, 10_000, wall);
    expect(report).toMatchObject({ outcome: "forced", startedAt, durationMs: 10_000, budgetMs: 10_000 });
    expect(report.services.map((one) => [one.service, one.outcome, one.startedMs, one.durationMs])).toEqual([
      ["api", "abandoned", 10_000, 0],
      ["db", "abandoned", 4_000, 6_000],
      ["web", "stopped", 3_000, 0],
      ["job", "completed", 0, 0],
      ["late", "unstarted", 0, 0],
      ["bad", "gone", 0, 0],
    ]);
  });
});

describe("describeLeft", () => {
  test("names those that live, with their state", () => {
    expect(describeLeft(services)).toBe("api (ready), db (stopping)");
  });
});
