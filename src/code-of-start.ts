import { systemClock } from "./core/clock.ts";
import type { Events } from "./core/events.ts";
import type { Runtime } from "./runtime/runtime.ts";

/** How long the services are ready when the code that only their start needed goes, in milliseconds. */
const settleMs = 100;

/**
 * Parsers and loaders have done their work. Kept, they make the heap four times as large as the services need,
 * and every garbage collection, in the middle of requests, twice as long. Returns how to call it off.
 */
export function dropCodeOfStart(runtime: Runtime, events: Events): () => void {
  let cancel = () => {};
  const unsubscribe = events.on((event) => {
    if (event.type === "groupReady") cancel = systemClock.after(settleMs, runtime.dropCode);
  });
  return () => {
    unsubscribe();
    cancel();
  };
}
