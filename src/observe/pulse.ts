import type { Beacon } from "../core/beacon.ts";
import { recordBeat } from "../core/beats.ts";

// Taken before `scopeTimers` wraps it.
const { setInterval, clearInterval } = globalThis;

/** How often the main loop shows that it turns, in milliseconds. */
export const pulseMs = 50;

/**
 * Lets the beacon's `beat` grow while the main loop turns, and tells how late each beat was. Keeps the process alive
 * until it is stopped: the loop of Bun does not sleep but spins while nothing that counts is in it.
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
  return () => clearInterval(timer);
}
