import { createBodyCrossing } from "./body-crossing.ts";
import type { FetchCaller } from "./fetch-caller.ts";
import { createFetchCaller } from "./fetch-caller.ts";
import type { FetchServerOptions } from "./fetch-server.ts";
import { createFetchServer } from "./fetch-server.ts";
import type { FetchMessage } from "./worker-protocol.ts";

/** Requests both ways over one port. */
export interface FetchLink extends Pick<FetchCaller, "call" | "busy"> {
  take(message: FetchMessage): void;
  /** The other side is gone: open calls get `response()`, bodies and sockets break. */
  close(response: () => Response): void;
}

export interface FetchLinkOptions extends Pick<FetchServerOptions, "serve"> {
  /** 0 on main, 1 in the thread. */
  readonly parity: 0 | 1;
  readonly post: (message: FetchMessage) => void;
}

export function createFetchLink({ post, serve, parity }: FetchLinkOptions): FetchLink {
  const bodies = createBodyCrossing(post);
  const caller = createFetchCaller({ post, bodies, parity });
  const server = createFetchServer({ post, bodies, serve });
  return {
    call: caller.call,
    get busy() {
      return caller.busy;
    },
    take(message) {
      switch (message[0]) {
        case "request":
          return server.request(message);
        case "abort":
          return server.abort(message);
        case "response":
        case "error":
          return caller.answer(message);
        case "upgrade":
        case "opened":
        case "message":
        case "buffered":
        case "close":
          // Only main has real sockets, so an id of main's means the same on both sides.
          return parity === 0 ? caller.socket(message) : server.socket(message);
        default:
          return bodies.take(message);
      }
    },
    close(response) {
      caller.close(response);
      bodies.close(new Error("The thread at the other end has ended"));
    },
  };
}
