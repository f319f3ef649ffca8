import { describe, expect, test } from "bun:test";
import type { Loop } from "../../src/observe/loop-watch.ts";
import { createStallReport } from "../../src/observe/stall-report.ts";

const frozen = (forMs: number, certain = true): Loop => ({ frozen: true, forMs, service: "api", certain });

describe("createStallReport", () => {
  test("tells a freeze at once, at 10 s, at 60 s, then every five minutes", () => {
    const report = createStallReport();
    const told: number[] = [];
    for (let forMs = 1_250; forMs < 800_000; forMs += 250) if (report(frozen(forMs))) told.push(forMs);
    expect(told).toEqual([1_250, 10_000, 60_000, 360_000, 660_000]);
  });

  test("tells the end with the length, once", () => {
    const report = createStallReport();
    report(frozen(1_250));
    report(frozen(12_250));
    expect(report({ frozen: false })).toMatchObject({
      level: "warn",
      message: 'the event loop turns again after 12.3s: service "api" blocked it',
      fields: { service: "api", certain: true, blockedMs: 12_250 },
    });
    expect(report({ frozen: false })).toBeUndefined();
  });

  test("says when the service is only probable", () => {
    const report = createStallReport();
    expect(report(frozen(2_000, false))?.message).toBe(
      'the event loop is blocked since 2s, probably by service "api" (last active)',
    );
    expect(report({ frozen: false })?.message).toBe(
      'the event loop turns again after 2s: probably service "api" blocked it',
    );
  });

  test("says nothing while the loop turns", () => {
    expect(createStallReport()({ frozen: false })).toBeUndefined();
  });
});
