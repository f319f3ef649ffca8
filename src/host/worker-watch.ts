import type { Vitals } from "./worker-protocol.ts";
import { vitalCells } from "./worker-protocol.ts";

export interface WatchLimits {
  /** A loop that has not turned for longer is frozen, in milliseconds. */
  readonly freezeMs: number;
  /** Bytes of heap. */
  readonly memory?: number;
}

export type Vital =
  | { readonly tag: "well" }
  | { readonly tag: "frozen"; readonly forMs: number }
  | { readonly tag: "outOfMemory"; readonly bytes: number };

/** A gap between two looks that can only mean that main did not run either: nothing can be said then. */
const ownPauseMs = 1_000;

/** Silent for this long, and what the thread uses is no longer what it has said. */
const silentMs = 400;

/**
 * Returns a look at the vital signs of one thread: call it several times a second, with the time on a clock that
 * never jumps and the memory of the whole process in bytes. A thread that leaks without ever pausing cannot say how
 * much it uses; then all growth of the process since it was last heard is counted as its own.
 */
export function createWatch(
  vitals: Vitals,
  { freezeMs, memory }: WatchLimits,
): (now: number, processBytes: number) => Vital {
  let beat = vitals[vitalCells.beat];
  let heardAt: number | undefined;
  let lookedAt: number | undefined;
  let bytesThen = 0;
  return (now, processBytes) => {
    const current = Atomics.load(vitals, vitalCells.beat);
    const paused = lookedAt !== undefined && now - lookedAt > ownPauseMs;
    if (current !== beat || heardAt === undefined || paused) {
      heardAt = now;
      bytesThen = processBytes;
    }
    beat = current;
    lookedAt = now;
    const forMs = now - heardAt;
    const heap = Atomics.load(vitals, vitalCells.heap) * 1_024;
    const bytes = heap + (forMs > silentMs ? Math.max(0, processBytes - bytesThen) : 0);
    if (memory !== undefined && bytes > memory) return { tag: "outOfMemory", bytes };
    return forMs > freezeMs ? { tag: "frozen", forMs } : { tag: "well" };
  };
}
