import { expect, test } from "bun:test";
import { beaconCells, createBeacon, withMark } from "../../src/core/beacon.ts";
import { recordBeat } from "../../src/core/beats.ts";
import { createStretchReport } from "../../src/observe/stretch-report.ts";
import { createStretches } from "../../src/observe/stretches.ts";

/** Main beats every 50 ms and the other thread looks every 100, until something blocks. */
function setUp() {
  const beacon = createBeacon();
  recordBeat(beacon, 0);
  const stretches = createStretches(beacon);
  let now = 1_000;
  const look = () => {
    now += 100;
    return stretches.look(now, now);
  };
  look();
  look();
  return {
    beacon,
    stretches,
    look,
    /** The code of `mark` runs for `looks` looks; `seen` is false for code that runs without a mark. */
    block(mark: number, looks: number, seen = true) {
      withMark(beacon, mark, () => {
        if (seen) for (let count = 0; count < looks; count++) look();
      });
      if (!seen) for (let count = 0; count < looks; count++) look();
      recordBeat(beacon, 100 * looks - 10);
      return look();
    },
  };
}

test("look() charges a stretch to the service that was seen on the stack, whoever ran last", () => {
  const { beacon, stretches, look, block } = setUp();
  withMark(beacon, 1, () => {
    for (let count = 0; count < 3; count++) look();
  });
  // Requests that had waited come before the timer of the beat.
  withMark(beacon, 2, () => {});
  recordBeat(beacon, 290);
  expect(look()).toEqual([{ ms: 290, mark: 1, certain: true, at: 1_600 }]);
  expect(stretches.longest(1)).toMatchObject({ ms: 290 });
  expect(stretches.longest(2)).toBeUndefined();
  expect(block(1, 2)).toMatchObject([{ ms: 190, mark: 1 }]);
  expect(stretches.longest(1)).toMatchObject({ ms: 290 });
});

test("look() charges who ran last when nobody's code was seen, and says that it is not certain", () => {
  const { block } = setUp();
  expect(block(4, 2, false)).toMatchObject([{ ms: 190, mark: 4, certain: false }]);
});

test("look() charges from 20 ms on, and tells from 150 ms on", () => {
  const { beacon, stretches, look } = setUp();
  beacon[beaconCells.last] = 7;
  recordBeat(beacon, 15);
  expect(look()).toEqual([]);
  expect(stretches.longest(7)).toBeUndefined();
  recordBeat(beacon, 149);
  expect(look()).toEqual([]);
  expect(stretches.longest(7)).toMatchObject({ ms: 149 });
  recordBeat(beacon, 150);
  expect(look()).toHaveLength(1);
});

test("look() blames nobody while its own thread did not run either", () => {
  const { beacon, stretches } = setUp();
  beacon[beaconCells.last] = 1;
  recordBeat(beacon, 60_000);
  expect(stretches.look(61_200, 61_200)).toEqual([]);
  expect(stretches.longest(1)).toBeUndefined();
});

test("delay() gives the share of beats that were so late, from the first look on", () => {
  const beacon = createBeacon();
  recordBeat(beacon, 5_000);
  const stretches = createStretches(beacon);
  expect(stretches.delay()).toBeUndefined();
  stretches.look(0, 0);
  expect(stretches.delay()).toBeUndefined();
  for (let count = 0; count < 98; count++) recordBeat(beacon, 1.04);
  recordBeat(beacon, 40);
  recordBeat(beacon, 400);
  expect(stretches.delay()).toEqual({ p50: 1, p99: 400, max: 400 });
});

test("createStretchReport() tells a service once a minute, and how often it was silent", () => {
  const report = createStretchReport((mark) => ["a", "b"][mark - 1]);
  const at = (seconds: number, mark = 1, certain = true) =>
    report({ ms: 234.4, mark, certain, at: seconds * 1_000 })?.message;
  expect(at(0)).toBe('service "a" blocked the event loop for 234ms');
  expect(at(1)).toBeUndefined();
  expect(at(59)).toBeUndefined();
  expect(at(2, 2, false)).toBe('probably service "b" blocked the event loop for 234ms');
  expect(at(3, 0, false)).toBe("something outside of every service blocked the event loop for 234ms");
  expect(at(61)).toBe(
    'service "a" blocked the event loop for 234ms, as it did 2 more times since it was last told',
  );
  expect(report({ ms: 200, mark: 2, certain: true, at: 100_000 })?.fields).toMatchObject({
    service: "b",
    certain: true,
    blockedMs: 200,
  });
});
