import type { Beacon } from "../core/beacon.ts";
import { recordBeat } from "../core/beats.ts";

// Taken before `scopeTimers` wraps it.
const { setInterval, clearInterval } = globalThis;

/** How often the main loop shows that it turns, in milliseconds. */
export const pulseMs = 50;

/**
 * Lets the beacon's `beat` grow while the main loop turns, and tells how late each beat was; keeps no process alive.
 * Returns how to stop it.
 */
export function startPulse(beacon: Beacon): () => void {
  let due = performance.now();
  const beat = () => {
    const now = performance.now();
    recordBeat(beacon, now - due);
    due = now + pulseMs;
  };
  beat();
  const timer = setInterval(beat, pulseMs);
  timer.unref();
  return () => clearInterval(timer);
}
