import type { LiveSocket, SocketOwner } from "./runtime.ts";

/** The socket below, as much of it as is used here: Bun's own, or one whose other end is on another thread. */
export interface BunSocket {
  data: unknown;
  binaryType?: string;
  send(data: string | ArrayBufferLike | ArrayBufferView<ArrayBufferLike> | Blob): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}

/** Takes the events of one native socket. */
export interface SocketLink {
  open(socket: BunSocket): void;
  message(socket: BunSocket, data: string | Buffer | ArrayBuffer): void;
  drain(socket: BunSocket): void;
  ping(socket: BunSocket, data: Buffer): void;
  pong(socket: BunSocket, data: Buffer): void;
  close(socket: BunSocket, code: number, reason: string): void;
}

export interface ServiceSocketParts {
  readonly socket: WebSocket;
  readonly link: SocketLink;
  /** The handler that asked for the upgrade has returned: events that waited are dispatched. */
  begin(): void;
}

/** A standard WebSocket on top of `BunSocket`. Its events wait for `begin`, so that no listener comes too late. */
export function createServiceSocket(url: string, protocol: string, owner: SocketOwner): ServiceSocketParts {
  const socket = new ServiceSocket(url, protocol);
  return { socket: socket as unknown as WebSocket, ...socketParts(socket, owner) };
}

type State = 0 | 1 | 2 | 3;
type Payload = string | ArrayBufferLike | ArrayBufferView<ArrayBufferLike> | Blob;
type EventHandler = ((event: Event) => unknown) | null;
type EventType = "open" | "message" | "close" | "error";

// Set by the class below: what only this file may do to a socket.
let setNative: (socket: ServiceSocket, native: BunSocket) => void;
let setState: (socket: ServiceSocket, state: State) => void;

class ServiceSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  readonly url: string;
  readonly protocol: string;
  readonly extensions = "";
  binaryType: "arraybuffer" | "blob" = "arraybuffer";

  readonly #handlers = new Map<EventType, EventHandler>();
  #state: State = 0;
  #native: BunSocket | undefined;

  static {
    setNative = (socket, native) => {
      socket.#native = native;
    };
    setState = (socket, state) => {
      socket.#state = state;
    };
  }

  constructor(url: string, protocol: string) {
    super();
    this.url = url.replace(/^http/, "ws");
    this.protocol = protocol;
  }

  get readyState(): State {
    return this.#state;
  }

  get bufferedAmount(): number {
    return this.#native?.getBufferedAmount() ?? 0;
  }

  get onopen(): EventHandler {
    return this.#handlers.get("open") ?? null;
  }
  set onopen(handler: EventHandler) {
    this.#handle("open", handler);
  }

  get onmessage(): EventHandler {
    return this.#handlers.get("message") ?? null;
  }
  set onmessage(handler: EventHandler) {
    this.#handle("message", handler);
  }

  get onclose(): EventHandler {
    return this.#handlers.get("close") ?? null;
  }
  set onclose(handler: EventHandler) {
    this.#handle("close", handler);
  }

  get onerror(): EventHandler {
    return this.#handlers.get("error") ?? null;
  }
  set onerror(handler: EventHandler) {
    this.#handle("error", handler);
  }

  send(data: Payload): void {
    if (this.#state === 0) throw new DOMException("The WebSocket is not open yet", "InvalidStateError");
    if (this.#state === 1) this.#native?.send(data);
  }

  close(code = 1000, reason = ""): void {
    if (this.#state >= 2) return;
    this.#state = 2;
    this.#native?.close(code, reason);
  }

  // As in browsers: the first assignment takes its place among the listeners and keeps it.
  #handle(type: EventType, handler: EventHandler): void {
    if (!this.#handlers.has(type)) {
      this.addEventListener(type, (event) => this.#handlers.get(type)?.call(this, event));
    }
    this.#handlers.set(type, typeof handler === "function" ? handler : null);
  }
}

function socketParts(socket: ServiceSocket, owner: SocketOwner): { link: SocketLink; begin(): void } {
  let waiting: (() => void)[] | undefined = [];
  let live: LiveSocket | undefined;
  function emit(dispatch: () => void) {
    if (waiting) waiting.push(dispatch);
    else owner.enter(dispatch);
  }
  const link: SocketLink = {
    open(native) {
      native.binaryType = "arraybuffer";
      setNative(socket, native);
      live = { close: socket.close.bind(socket), terminate: native.terminate.bind(native) };
      owner.opened(live);
      emit(() => {
        if (socket.readyState !== 0) return;
        setState(socket, 1);
        socket.dispatchEvent(new Event("open"));
      });
    },
    message(_native, data) {
      emit(() => {
        const isBlob = typeof data !== "string" && socket.binaryType === "blob";
        const event = new MessageEvent("message", { data: isBlob ? new Blob([data as ArrayBuffer]) : data });
        socket.dispatchEvent(event);
      });
    },
    close(_native, code, reason) {
      if (live) owner.closed(live);
      emit(() => {
        setState(socket, 3);
        socket.dispatchEvent(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }));
      });
    },
    drain() {},
    ping() {},
    pong() {},
  };
  return {
    link,
    begin() {
      const events = waiting ?? [];
      waiting = undefined;
      for (const dispatch of events) owner.enter(dispatch);
    },
  };
}
