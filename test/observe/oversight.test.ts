import { describe, expect, test } from "bun:test";
import type { Loop } from "../../src/observe/loop-watch.ts";
import { createOversight } from "../../src/observe/oversight.ts";

const turning: Loop = { frozen: false };
const frozen: Loop = { frozen: true, forMs: 2_000, certain: false };
const [SIGINT, SIGTERM] = [2, 15];

describe("createOversight", () => {
  test("leaves a signal to a main that turns", () => {
    const oversight = createOversight(5_000);
    for (let now = 0; now < 60_000; now += 250) {
      expect(oversight.look(now, turning, SIGTERM, now > 1_000 ? 1 : 0)).toEqual({ tag: "wait" });
    }
  });

  test("a stop that main told of ends with 75 a little after its budget", () => {
    const oversight = createOversight(5_000);
    oversight.stopping({ cause: { tag: "request" }, at: 1_000, budgetMs: 5_000 });
    expect(oversight.look(6_200, turning, 0, 0)).toEqual({ tag: "wait" });
    expect(oversight.look(6_250, turning, 0, 0)).toEqual({
      tag: "exit",
      code: 75,
      why: "the stop took longer than its budget of 5s: ending the process",
    });
  });

  test("when main is frozen in its stop, the end comes before the budget is overdrawn", () => {
    const oversight = createOversight(5_000);
    oversight.stopping({ cause: { tag: "request" }, at: 1_000, budgetMs: 5_000 });
    expect(oversight.look(5_880, frozen, 0, 0)).toEqual({ tag: "wait" });
    expect(oversight.look(5_900, frozen, 0, 0)).toMatchObject({ tag: "exit", code: 75 });
  });

  test("a signal to a frozen main begins the stop, counted from the look before the signal was seen", () => {
    const oversight = createOversight(5_000);
    oversight.look(1_000, frozen, 0, 0);
    expect(oversight.look(1_250, frozen, SIGTERM, 1)).toEqual({ tag: "armed", signal: "SIGTERM" });
    expect(oversight.stop).toEqual({
      cause: { tag: "signal", signal: "SIGTERM" },
      at: 1_000,
      budgetMs: 5_000,
    });
    expect(oversight.look(5_880, frozen, SIGTERM, 1)).toEqual({ tag: "wait" });
    expect(oversight.look(5_900, frozen, SIGTERM, 1)).toMatchObject({ tag: "exit", code: 75 });
  });

  test("a signal that came just before the freeze was known counts from when it came", () => {
    const oversight = createOversight(5_000);
    oversight.look(0, turning, 0, 0);
    expect(oversight.look(250, turning, SIGTERM, 1)).toEqual({ tag: "wait" });
    expect(oversight.look(1_500, frozen, SIGTERM, 1)).toMatchObject({ tag: "armed" });
    expect(oversight.stop?.at).toBe(0);
  });

  test("a main that comes back and begins its own stop does not get a second budget", () => {
    const oversight = createOversight(5_000);
    oversight.look(0, frozen, 0, 0);
    oversight.look(250, frozen, SIGTERM, 1);
    oversight.stopping({ cause: { tag: "signal", signal: "SIGTERM" }, at: 4_000, budgetMs: 5_000 });
    expect(oversight.look(5_250, turning, SIGTERM, 1)).toMatchObject({ tag: "exit", code: 75 });
  });

  test("a second signal to a frozen main ends the process at once with that signal's code", () => {
    const oversight = createOversight(30_000);
    oversight.look(0, frozen, 0, 0);
    oversight.look(250, frozen, SIGTERM, 1);
    expect(oversight.look(500, frozen, SIGINT, 2)).toMatchObject({ tag: "exit", code: 130 });
  });

  test("a main frozen in the stop that the first signal began ends at once with the second", () => {
    const oversight = createOversight(30_000);
    oversight.look(0, turning, SIGTERM, 1);
    oversight.stopping({ cause: { tag: "signal", signal: "SIGTERM" }, at: 10, budgetMs: 30_000 });
    expect(oversight.look(250, turning, SIGTERM, 2)).toEqual({ tag: "wait" });
    expect(oversight.look(2_000, frozen, SIGTERM, 2)).toMatchObject({ tag: "exit", code: 143 });
  });
});
