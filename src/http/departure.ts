import type { Sending } from "../runtime/runtime.ts";
import type { Lease } from "../service/intake.ts";
import type { Flow } from "./flow.ts";

export interface DepartureOptions {
  readonly flow: Flow;
  /** See `NativeServer.sending`. */
  readonly sending: Sending | undefined;
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

export function createDeparture({ flow, sending, isUploading, release }: DepartureOptions): Departure {
  const cut = Promise.withResolvers<void>();
  let isWriting = false;
  return {
    async drain() {
      const early = sending && isUploading() ? undefined : release();
      await flow.drain();
      const written = early ?? release();
      // Whoever has not read a stream to its end does not read on now.
      if (!sending || flow.cutStreams > 0) return;
      isWriting = true;
      let isOver = false;
      // A client that never ends its request holds the listener, not us: it has its answer.
      await Promise.race([written, sending.ended(() => isOver), cut.promise]);
      isOver = true;
      isWriting = false;
    },
    held: () => (isWriting && sending ? { ...flow.held(), requests: sending.left() } : flow.held()),
    cut() {
      flow.cut();
      cut.resolve();
    },
  };
}
