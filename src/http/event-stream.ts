import { tellBrokenBody } from "./broken-body.ts";

/** How long a service may still send its last events once its stop has begun. */
const goodbyeMs = 50;

/** One open stream of server-sent events, between the service that writes it and the client. */
export interface EventStream {
  /** What the runtime sends instead of the service's own body. */
  readonly body: ReadableStream<Uint8Array>;
  /** The service has let go of its stream. The last bytes may still be on their way. */
  readonly ended: Promise<void>;
  /** Tells the service to end it, by `cancel` on its stream, after a moment for last words. */
  end(): void;
  /** The client sees the end now, whether the service has noticed or not. */
  cut(): void;
}

export interface EventStreamOptions {
  readonly source: ReadableStream<Uint8Array>;
  /** Runs every call into the service's stream. */
  readonly enter: <T>(work: () => T) => T;
  readonly after: (delayMs: number, callback: () => void) => () => void;
}

/**
 * Passes a service's stream on, chunk by chunk and only as fast as the client reads, so that it can be ended
 * from here. The client going away reaches the service as `cancel`, as it would without us.
 */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { enter, after } = options;
  const reader = enter(() => options.source.getReader());
  const { promise: ended, resolve: settle } = Promise.withResolvers<void>();
  let output: ReadableStreamDefaultController<Uint8Array>;
  let isOpen = true;

  function close() {
    if (!isOpen) return;
    isOpen = false;
    output.close();
  }
  function cancelSource(reason: unknown): Promise<void> {
    // A service that fails while it cleans up a stream has nobody left to tell.
    return enter(() => reader.cancel(reason)).then(settle, settle);
  }
  async function pull() {
    try {
      const { done, value } = await enter(() => reader.read());
      if (done) close();
      else if (isOpen) return output.enqueue(value);
    } catch (error) {
      if (isOpen) {
        enter(() => tellBrokenBody(error));
        output.error(error);
      }
      isOpen = false;
    }
    settle();
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        output = controller;
      },
      pull,
      cancel(reason) {
        isOpen = false;
        return cancelSource(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    ended,
    end() {
      after(goodbyeMs, () => {
        if (!isOpen) return;
        cancelSource(new Error("The service is stopping"));
        close();
      });
    },
    cut: close,
  };
}
