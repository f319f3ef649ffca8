import type { Vitals } from "./worker-protocol.ts";
import { vitalCells, vitalsMs } from "./worker-protocol.ts";

/** Shows main that the loop of this thread turns and, when `heap`, how much memory it uses. Keeps no thread alive. */
export function startVitals(vitals: Vitals, heap: boolean): void {
  const beat = () => {
    if (heap) Atomics.store(vitals, vitalCells.heap, Math.ceil(process.memoryUsage().heapUsed / 1_024));
    Atomics.add(vitals, vitalCells.beat, 1);
  };
  beat();
  setInterval(beat, vitalsMs).unref();
}
