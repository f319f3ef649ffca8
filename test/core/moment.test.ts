import { expect, test } from "bun:test";
import { parseMoment } from "../../src/core/moment.ts";

test("parseMoment() reads durations in both directions, dates and milliseconds", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(parseMoment("90s", now, "ago")).toBe(now - 90_000);
  expect(parseMoment("1h30m", now, "ahead")).toBe(now + 5_400_000);
  expect(parseMoment("2026-11-21", now, "ago")).toBe(Date.parse("2026-11-21T00:00:00Z"));
  expect(parseMoment("2026-11-21T10:00:00+02:00", now, "ago")).toBe(Date.parse("2026-11-21T08:00:00Z"));
  expect(parseMoment("1700000000000", now, "ago")).toBe(1_700_000_000_000);
});

test("parseMoment() is undefined for what is no time", () => {
  for (const text of ["", "soon", "tomorrow", "12", "2026-99-99", "-5s"]) {
    expect([text, parseMoment(text, 0, "ago")]).toEqual([text, undefined]);
  }
});
