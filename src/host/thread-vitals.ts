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
