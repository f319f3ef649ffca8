import type { Clock } from "../core/clock.ts";
import type { Ended } from "../core/report.ts";
import type { LiveSocket } from "../runtime/runtime.ts";
import type { EventStream } from "./event-stream.ts";
import { createEventStream } from "./event-stream.ts";

/** The event streams and WebSockets of one generation: what does not end by itself when a service drains. */
export interface OpenEnds {
  /** Passes the body of `response` on as a stream that can be ended. */
  stream(response: Response, transport: Transport): Response;
  opened(socket: LiveSocket): void;
  closed(socket: LiveSocket): void;
  /** Tells all of them to end, and every one that opens from now on. */
  end(): void;
  /** Ends all of them without asking; returns how many there were. */
  cut(): number;
  readonly streams: number;
  readonly websockets: number;
  /** How many were told to end. */
  readonly ended: Ended;
  /** Streams whose last byte the native server has not written, cut ones included. */
  unwritten(): number;
}

export interface Transport {
  /** False for a call within the process: no native server knows of its response. */
  readonly isNative: boolean;
  readonly isWritten: () => boolean;
}

export interface OpenEndsOptions {
  readonly clock: Clock;
  /** Runs every call into the service. */
  readonly enter: <T>(work: () => T) => T;
}

type OpenStream = Transport & { readonly stream: EventStream };

export function createOpenEnds({ clock, enter }: OpenEndsOptions): OpenEnds {
  const open = new Set<OpenStream>();
  /** The service is done with these, the client is not. */
  let flushing: OpenStream[] = [];
  let lost: OpenStream[] = [];
  const sockets = new Set<LiveSocket>();
  const ended = { streams: 0, websockets: 0 };
  let isEnding = false;

  function sweep() {
    flushing = flushing.filter((stream) => !stream.isWritten());
    lost = lost.filter((stream) => !stream.isWritten());
  }
  function endStream(stream: EventStream) {
    ended.streams++;
    stream.end();
  }
  function closeSocket(socket: LiveSocket) {
    ended.websockets++;
    socket.close(1001, "service is stopping");
  }
  return {
    stream(response, transport) {
      sweep();
      const source = response.body;
      if (!source) return response;
      const stream = createEventStream({ source, enter, after: clock.after });
      const entry = { ...transport, stream };
      open.add(entry);
      stream.ended.then(() => {
        if (open.delete(entry) && !entry.isWritten()) flushing.push(entry);
      });
      if (isEnding) endStream(stream);
      return new Response(stream.body, response);
    },
    opened(socket) {
      sockets.add(socket);
      if (isEnding) closeSocket(socket);
    },
    closed(socket) {
      sockets.delete(socket);
    },
    end() {
      isEnding = true;
      for (const { stream } of open) endStream(stream);
      for (const socket of [...sockets]) closeSocket(socket);
    },
    cut() {
      sweep();
      const streams = [...open, ...flushing];
      const cutSockets = [...sockets];
      lost.push(...streams);
      open.clear();
      flushing = [];
      sockets.clear();
      for (const { stream } of streams) stream.cut();
      for (const socket of cutSockets) socket.terminate();
      return streams.length + cutSockets.length;
    },
    get streams() {
      sweep();
      return open.size + flushing.length;
    },
    get websockets() {
      return sockets.size;
    },
    ended,
    unwritten() {
      sweep();
      return [...open, ...flushing, ...lost].filter((entry) => entry.isNative && !entry.isWritten()).length;
    },
  };
}
