import type { Vitals } from "./worker-protocol.ts";
import { vitalCells, vitalsMs } from "./worker-protocol.ts";

export interface VitalsOptions {
  /** Whether to show how much memory the thread uses. */
  readonly heap: boolean;
  /** What has begun and not ended. */
  readonly held?: () => { readonly messages?: number; readonly runs?: number };
}

/** Shows main that the loop of this thread turns, and what it has in its hands. Keeps no thread alive. */
export function startVitals(vitals: Vitals, { heap, held }: VitalsOptions): void {
  const beat = () => {
    if (held) {
      const { messages = 0, runs = 0 } = held();
      Atomics.store(vitals, vitalCells.messages, messages);
      Atomics.store(vitals, vitalCells.runs, runs);
    }
    if (heap) Atomics.store(vitals, vitalCells.heap, Math.ceil(process.memoryUsage().heapUsed / 1_024));
    Atomics.add(vitals, vitalCells.beat, 1);
  };
  beat();
  setInterval(beat, vitalsMs).unref();
}

/** What all of these threads have begun and not ended, as they have written last. */
export function heldIn(threads: readonly Vitals[]): { readonly messages?: number; readonly runs?: number } {
  const of = (cell: number) => threads.reduce((sum, vitals) => sum + Atomics.load(vitals, cell), 0);
  const [messages, runs] = [of(vitalCells.messages), of(vitalCells.runs)];
  return { ...(messages > 0 ? { messages } : {}), ...(runs > 0 ? { runs } : {}) };
}
