import type { LiveSocket, SocketOwner } from "./runtime.ts";
import type { BunSocket, SocketLink } from "./service-socket.ts";

/** Bun's own convention: the module exports `websocket` with one handler per event. */
export function linkHandlers(owner: SocketOwner): SocketLink {
  type Handler = (socket: BunSocket, ...rest: unknown[]) => unknown;
  const handlers = (owner.handlers ?? {}) as Partial<Record<keyof SocketLink, Handler>>;
  const call = (event: keyof SocketLink, socket: BunSocket, ...rest: unknown[]) =>
    void owner.enter(() => handlers[event]?.(socket, ...rest));
  const lives = new WeakMap<BunSocket, LiveSocket>();
  return {
    open(socket) {
      const live = { close: socket.close.bind(socket), terminate: socket.terminate.bind(socket) };
      lives.set(socket, live);
      owner.opened(live);
      call("open", socket);
    },
    message: (socket, data) => call("message", socket, data),
    drain: (socket) => call("drain", socket),
    ping: (socket, data) => call("ping", socket, data),
    pong: (socket, data) => call("pong", socket, data),
    close(socket, code, reason) {
      const live = lives.get(socket);
      if (live) owner.closed(live);
      call("close", socket, code, reason);
    },
  };
}
