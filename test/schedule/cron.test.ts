import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SupervisorError } from "../../src/core/errors.ts";
import { nextTimes, parseCron } from "../../src/schedule/cron.ts";

const at = (text: string) => Date.parse(text);
const runs = (cron: string, zone: string, from: string, count = 3) =>
  nextTimes(parseCron(cron, zone, at(from)), at(from), count).map((time) =>
    new Date(time).toISOString().replace(":00.000Z", "Z"),
  );

function refused(cron: string, zone?: string): { message: string; hint: string } {
  try {
    parseCron(cron, zone, at("2026-11-21T12:00Z"));
  } catch (error) {
    expect(error).toBeInstanceOf(SupervisorError);
    const { code, message, hint } = error as SupervisorError;
    expect(code).toBe("BAD_VALUE");
    return { message, hint };
  }
  throw new Error(`"${cron}" was taken`);
}

describe("parseCron()", () => {
  test("reads five fields in the time zone", () => {
    expect(runs("0 3 * * *", "Asia/Shanghai", "2026-11-21T12:00Z", 2)).toEqual([
      "2026-11-21T19:00Z",
      "2026-11-22T19:00Z",
    ]);
  });

  test("reads seconds in front of the five", () => {
    const times = parseCron("*/20 * * * * *");
    expect(nextTimes(times, at("2026-11-21T12:00:01Z"), 3)).toEqual([
      at("2026-11-21T12:00:20Z"),
      at("2026-11-21T12:00:40Z"),
      at("2026-11-21T12:01:00Z"),
    ]);
  });

  test("reads names, lists, ranges, steps, last days and nth weekdays", () => {
    expect(runs("30 9 * jan-feb mon-fri/2", "UTC", "2026-12-31T00:00Z", 2)).toEqual([
      "2027-01-01T09:30Z",
      "2027-01-04T09:30Z",
    ]);
    expect(runs("0 0 L * *", "UTC", "2027-02-01T00:00Z", 2)).toEqual([
      "2027-02-28T00:00Z",
      "2027-03-31T00:00Z",
    ]);
    expect(runs("0 0 * * FRI#2", "UTC", "2026-11-01T00:00Z", 1)).toEqual(["2026-11-13T00:00Z"]);
    expect(runs("0 0 29 2 *", "UTC", "2026-11-01T00:00Z", 1)).toEqual(["2028-02-29T00:00Z"]);
  });

  test("takes either day when both are given, and both after a plus", () => {
    expect(runs("0 0 13 * 5", "UTC", "2026-11-10T00:00Z", 3)).toEqual([
      "2026-11-13T00:00Z",
      "2026-11-20T00:00Z",
      "2026-11-27T00:00Z",
    ]);
    expect(runs("0 0 13 * +5", "UTC", "2026-11-10T00:00Z", 2)).toEqual([
      "2026-11-13T00:00Z",
      "2027-08-13T00:00Z",
    ]);
  });

  test.each([
    ["@hourly", "2026-11-21T13:00Z"],
    ["@daily", "2026-11-22T00:00Z"],
    ["@midnight", "2026-11-22T00:00Z"],
    ["@weekly", "2026-11-22T00:00Z"],
    ["@monthly", "2026-12-01T00:00Z"],
    ["@yearly", "2027-01-01T00:00Z"],
    ["@annually", "2027-01-01T00:00Z"],
  ])("knows %s", (name, first) => {
    expect(runs(name, "UTC", "2026-11-21T12:30Z", 1)).toEqual([first]);
  });

  test("@every counts from 1970, so that replicas started at other times agree", () => {
    const fromHere = runs("@every 7m", "UTC", "2026-11-21T12:00Z", 3);
    const fromThere = runs("@every 7m", "UTC", "2026-11-21T12:06Z", 3);
    expect(fromHere.slice(1)).toEqual(fromThere.slice(0, 2));
    expect(runs("@every 24h", "Asia/Shanghai", "2026-11-21T12:00Z", 1)).toEqual(["2026-11-22T00:00Z"]);
  });

  test("a time in the hour that summer time skips runs when that hour would have begun", () => {
    expect(runs("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z")).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
      "2026-03-31T00:30Z",
    ]);
    expect(runs("30 2 * * *", "America/New_York", "2026-03-08T00:00Z", 2)).toEqual([
      "2026-03-08T07:00Z",
      "2026-03-09T06:30Z",
    ]);
  });

  test("a time in the hour that comes twice runs once, the first time", () => {
    expect(runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
    expect(runs("30 1 * * *", "America/New_York", "2026-11-01T00:00Z", 2)).toEqual([
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
    ]);
  });

  test("what runs all day long runs in both of the hours, and every time in a zone without summer time", () => {
    expect(runs("0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z")).toEqual([
      "2026-10-25T00:00Z",
      "2026-10-25T01:00Z",
      "2026-10-25T02:00Z",
    ]);
    expect(runs("30 2 * * *", "Asia/Shanghai", "2026-03-28T00:00Z", 2)).toEqual([
      "2026-03-28T18:30Z",
      "2026-03-29T18:30Z",
    ]);
  });

  test("next() and previous() tell the same times from wherever they are asked, over every change of clocks", () => {
    const crons = ["30 2 * * *", "0 2,3 * * *", "*/7 * * * *", "15 1-3 * * *", "30 1 * * *", "@every 11m"];
    const zones = ["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"];
    const hours = 3_600_000;
    fc.assert(
      fc.property(
        fc.constantFrom(...crons),
        fc.constantFrom(...zones),
        fc.constantFrom("2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"),
        fc.integer({ min: -24 * hours, max: 36 * hours }),
        (cron, zone, day, offset) => {
          const times = parseCron(cron, zone, 0);
          const from = at(`${day}T00:00Z`) + offset;
          const next = times.next(from) as number;
          const before = times.previous(next) as number;
          expect(next).toBeGreaterThan(from);
          expect(before).toBeLessThanOrEqual(from);
          expect(times.next(before)).toBe(next);
          expect(times.previous(next + 1)).toBe(next);
        },
      ),
      { numRuns: 400 },
    );
  });

  test.each([
    ["60 * * * *", '"60 * * * *": minute: 60 is not in 0-59'],
    ["0 24 * * *", '"0 24 * * *": hour: 24 is not in 0-23'],
    ["0 0 0 * *", '"0 0 0 * *": day of the month: 0 is not in 1-31'],
    ["0 0 * 13 *", '"0 0 * 13 *": month: 13 is not in 1-12'],
    ["0 0 * * 8", '"0 0 * * 8": day of the week: 8 is not in 0-7'],
    ["61 * * * * *", '"61 * * * * *": second: 61 is not in 0-59'],
    ["a * * * *", '"a * * * *": minute: "A" is not a number'],
    ["0 0 * FOO *", '"0 0 * FOO *": month: "FOO" is not a number or a name'],
    ["5-1 * * * *", '"5-1 * * * *": minute: the range 5-1 runs backwards'],
    ["*/0 * * * *", '"*/0 * * * *": minute: the step "/0" is not a whole number from 1'],
    ["*/61 * * * *", '"*/61 * * * *": minute: the step "/61" is larger than 59'],
    ["0/15 * * * *", '"0/15 * * * *": minute: "0/15" has no end: write "0-59/15"'],
    ["1,,2 * * * *", '"1,,2 * * * *": minute: there is nothing beside a comma'],
    ["* * *", '"* * *" has 3 fields instead of five or six'],
    ["* * * * * * 2027", '"* * * * * * 2027" has 7 fields instead of five or six'],
    ["", '"" has 0 fields instead of five or six'],
    ["0 0 30 2 *", '"0 0 30 2 *" never runs'],
    ["0 0 31 4,6 *", '"0 0 31 4,6 *" never runs'],
    ["@every", '"@every": "" is not a duration'],
    ["@every 5 minutes", '"@every 5 minutes": "5 minutes" is not a duration'],
    ["@every 10ms", '"@every 10ms" is shorter than a second'],
    ["@reboot", '"@reboot" is not a schedule'],
  ])("refuses %p and says what is wrong", (cron, message) => {
    const problem = refused(cron);
    expect(problem.message).toBe(message);
    expect(problem.hint).not.toBe("");
  });

  test("says what a field may hold, which nickname was meant, and where a zone belongs", () => {
    expect(refused("0 0 * 13 *").hint).toBe(
      "In the month there may be *, 1 to 12, a range like 1-4, a step like */3, a list of these with commas, JAN to DEC.",
    );
    expect(refused("@dayly").hint).toBe('Did you mean "@daily"?');
    expect(refused("CRON_TZ=Asia/Shanghai 0 3 * * *").hint).toBe(
      'Write cron: "0 3 * * *" and timezone: Asia/Shanghai.',
    );
  });

  test.each([
    ["Europe/Berln", "Europe/Berlin"],
    ["Shanghai", "Asia/Shanghai"],
    ["Asia/Beijing", "Asia/Shanghai"],
    ["America/NewYork", "America/New_York"],
  ])("refuses the time zone %p and names %p", (wrong, meant) => {
    expect(refused("0 3 * * *", wrong)).toEqual({
      message: `"${wrong}" is not a time zone`,
      hint: `Did you mean "${meant}"?`,
    });
  });

  test("refuses an offset as a time zone, which would know no summer time", () => {
    expect(refused("0 3 * * *", "+02:00").message).toBe('"+02:00" is not a time zone');
  });
});
