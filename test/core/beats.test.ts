import { expect, test } from "bun:test";
import { beaconCells, beatCells, createBeacon, withMark } from "../../src/core/beacon.ts";
import { lastEntered, readBeats, recordBeat } from "../../src/core/beats.ts";

test("recordBeat() keeps the delay and who ran last; readBeats() gives those between two numbers", () => {
  const beacon = createBeacon();
  recordBeat(beacon, 0.25);
  beacon[beaconCells.last] = 3;
  recordBeat(beacon, 120);
  recordBeat(beacon, -5);
  expect(beacon[beaconCells.beat]).toBe(3);
  expect(readBeats(beacon, 0, 3)).toEqual([
    { delayMs: 0.25, last: 0 },
    { delayMs: 120, last: 3 },
    { delayMs: 0, last: 3 },
  ]);
  expect(readBeats(beacon, 1, 2)).toEqual([{ delayMs: 120, last: 3 }]);
  expect(readBeats(beacon, 3, 3)).toEqual([]);
});

test("recordBeat() names nobody once the service that ran last has been idle for a second; lastEntered() still does", () => {
  const beacon = createBeacon();
  withMark(beacon, 3, () => {});
  for (let count = 0; count < 30; count++) recordBeat(beacon, 0);
  const names = readBeats(beacon, 0, 30).map(({ last }) => last);
  expect([names.slice(0, 20), names.slice(22)]).toEqual([Array(20).fill(3), Array(8).fill(0)]);
  expect(lastEntered(beacon)).toBe(3);
  withMark(beacon, 2, () => {});
  recordBeat(beacon, 200);
  expect(readBeats(beacon, 30, 31)).toEqual([{ delayMs: 200, last: 2 }]);
});

test("readBeats() gives the newest that are kept, and a delay of hours stays a number", () => {
  const beacon = createBeacon();
  for (let count = 0; count < beatCells.kept + 10; count++) recordBeat(beacon, count);
  const beats = readBeats(beacon, 0, beatCells.kept + 10);
  expect(beats).toHaveLength(beatCells.kept);
  expect(beats[0]?.delayMs).toBe(10);
  expect(beats.at(-1)?.delayMs).toBe(beatCells.kept + 9);
  recordBeat(beacon, 10 * 3_600_000);
  expect(readBeats(beacon, beatCells.kept + 10, beatCells.kept + 11)[0]?.delayMs).toBeGreaterThan(2_000_000);
});
