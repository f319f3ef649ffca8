import type { Beacon } from "../core/beacon.ts";
import { beaconCells } from "../core/beacon.ts";

// Taken before `scopeTimers` wraps it.
const { setInterval, clearInterval } = globalThis;

/** How often the main loop shows that it turns, in milliseconds. */
export const pulseMs = 100;

/** Lets the beacon's `beat` grow while the main loop turns; keeps no process alive. Returns how to stop it. */
export function startPulse(beacon: Beacon): () => void {
  const beat = () => {
    beacon[beaconCells.beat] = ((beacon[beaconCells.beat] as number) + 1) | 0;
  };
  beat();
  const timer = setInterval(beat, pulseMs);
  timer.unref();
  return () => clearInterval(timer);
}
