import type { Lease } from "../service/intake.ts";
import type { Flow } from "./flow.ts";

export interface DepartureOptions {
  readonly flow: Flow;
  /** See `NativeServer.stopEnds`. */
  readonly stopEnds: boolean;
  /** Whether the door still receives the body of a request. */
  readonly isUploading: () => boolean;
  /** The door needs its address no longer; see `Entrance.release`. */
  readonly release: () => Promise<void>;
}

/** How a generation leaves its address for good. */
export interface Departure extends Pick<Lease, "held" | "cut"> {
  /** Resolves when nothing is in flight, or all of it was cut; never rejects. */
  drain(): Promise<void>;
}

export function createDeparture({ flow, stopEnds, isUploading, release }: DepartureOptions): Departure {
  const cut = Promise.withResolvers<void>();
  let isWriting = false;
  return {
    async drain() {
      const early = stopEnds && isUploading() ? undefined : release();
      await flow.drain();
      const written = early ?? release();
      // Whoever has not read a stream to its end does not read on now.
      if (!stopEnds || flow.cutStreams > 0) return;
      isWriting = true;
      await Promise.race([written, cut.promise]);
      isWriting = false;
    },
    held: () => (isWriting ? { ...flow.held(), requests: 1 } : flow.held()),
    cut() {
      flow.cut();
      cut.resolve();
    },
  };
}
