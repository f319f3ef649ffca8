import { describe, expect, test } from "bun:test";
import { beaconCells, createBeacon } from "../../src/core/beacon.ts";
import { createLoopWatch, describeFreeze } from "../../src/observe/loop-watch.ts";
import { pulseMs } from "../../src/observe/pulse.ts";

const services = [{ name: "alpha" }, { name: "beta" }];

/** Looks every 250 ms until `until`; main beats until `freezeAt` and again from `thawAt` on. */
function simulate(freezeAt: number, thawAt: number, until: number, mark = 0) {
  const beacon = createBeacon();
  const look = createLoopWatch(beacon, services);
  const seen: { at: number; frozen: boolean; text?: string }[] = [];
  for (let at = 0; at <= until; at += 10) {
    const turning = at < freezeAt || at >= thawAt;
    if (turning && at % pulseMs === 0) beacon[beaconCells.beat] = at / pulseMs + 1;
    beacon[beaconCells.current] = turning ? 0 : mark;
    if (at % 250 !== 0) continue;
    const loop = look(at);
    seen.push({ at, frozen: loop.frozen, ...(loop.frozen ? { text: describeFreeze(loop) } : {}) });
  }
  return seen;
}

describe("createLoopWatch", () => {
  test("a pause of 900 ms, whenever it begins, is no freeze", () => {
    for (let begin = 500; begin < 1_000; begin += 10) {
      expect(simulate(begin, begin + 900, 4_000).some(({ frozen }) => frozen)).toBe(false);
    }
  });

  test("a freeze is seen within two seconds, whenever it begins, and its end at the next look", () => {
    for (let begin = 500; begin < 1_000; begin += 10) {
      const frozen = simulate(begin, 6_000, 8_000).filter((one) => one.frozen);
      expect((frozen[0]?.at ?? Number.POSITIVE_INFINITY) - begin).toBeLessThanOrEqual(2_000);
      expect(frozen.at(-1)?.at).toBeLessThanOrEqual(6_000);
    }
  });

  test("names the service whose code is on the stack", () => {
    const frozen = simulate(500, 9_000, 4_000, 2).find((one) => one.frozen);
    expect(frozen?.text).toMatch(/^service "beta" blocks the event loop since 1\.\ds$/);
  });

  test("with nobody's code on the stack, names the one that was active last as probable", () => {
    const beacon = createBeacon();
    beacon[beaconCells.last] = 1;
    const look = createLoopWatch(beacon, services);
    for (const at of [0, 500, 1_000]) expect(look(at)).toEqual({ frozen: false });
    expect(look(1_500)).toEqual({ frozen: true, forMs: 1_500, service: "alpha", certain: false });
  });

  test("before any service was active the modules that may be loading are named", () => {
    const look = createLoopWatch(createBeacon(), services);
    for (const at of [0, 500, 1_000]) look(at);
    expect(look(1_500)).toEqual({ frozen: true, forMs: 1_500, certain: false, loading: ["alpha", "beta"] });
  });

  test("when this thread itself did not run, main is not accused", () => {
    const look = createLoopWatch(createBeacon(), services);
    look(0);
    expect(look(60_000)).toEqual({ frozen: false });
    expect(look(60_900)).toEqual({ frozen: false });
    expect(look(61_300)).toMatchObject({ frozen: true, forMs: 1_300 });
  });
});
