import { expect, test } from "bun:test";
import { beaconCells, createBeacon } from "../../src/core/beacon.ts";
import { pulseMs, startPulse } from "../../src/observe/pulse.ts";

test("startPulse() beats at once and with every turn, until it is stopped", async () => {
  const beacon = createBeacon();
  const stop = startPulse(beacon);
  const first = beacon[beaconCells.beat];
  expect(first).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 2.5 * pulseMs));
  const later = beacon[beaconCells.beat] as number;
  expect(later).toBeGreaterThan(1);
  stop();
  await new Promise((resolve) => setTimeout(resolve, 1.5 * pulseMs));
  expect(beacon[beaconCells.beat]).toBe(later);
});
