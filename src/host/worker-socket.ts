import type { SocketOwner } from "../runtime/runtime.ts";
import type { BunSocket, SocketLink } from "../runtime/service-socket.ts";
import { bytesOf } from "./body-crossing.ts";
import type { SocketMessage } from "./worker-protocol.ts";

/** Main's end: passes on what happens on the real socket, and does to it what the thread asks for. */
export interface SocketRelay {
  take(message: SocketMessage): void;
  /** The thread is gone. */
  lost(): void;
}

/** How often a socket that has not taken everything yet is looked at, in milliseconds. */
const backlogMs = 20;

export function createSocketRelay(
  id: number,
  socket: WebSocket,
  post: (message: SocketMessage) => void,
  closed: () => void,
): SocketRelay {
  let isWatching = false;
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => post(["opened", id]));
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) =>
    post(["message", id, typeof data === "string" ? data : new Uint8Array(data)]),
  );
  socket.addEventListener("close", ({ code, reason }) => {
    closed();
    post(["close", id, code, reason]);
  });

  function send(data: string | Uint8Array<ArrayBuffer>) {
    if (socket.readyState === 1) socket.send(data);
    tell(sizeOf(data));
  }
  function tell(taken: number) {
    const waiting = socket.readyState === 1 ? socket.bufferedAmount : 0;
    post(["buffered", id, taken, waiting]);
    if (waiting === 0 || isWatching) return;
    isWatching = true;
    setTimeout(() => {
      isWatching = false;
      tell(0);
    }, backlogMs);
  }
  return {
    take(message) {
      if (message[0] === "message") send(message[2]);
      else if (message[0] === "close") close(socket, message[2], message[3]);
    },
    lost: () => close(socket, 1011, "the service has failed"),
  };
}

/** The thread's end: a socket like any other to the service. */
export interface SocketEnd {
  readonly socket: WebSocket;
  take(message: SocketMessage): void;
  /** The handler that asked for it has returned. */
  begin(): void;
}

export interface SocketParts {
  readonly socket: WebSocket;
  readonly link: SocketLink;
  begin(): void;
}

export function createSocketEnd(
  id: number,
  post: (message: SocketMessage) => void,
  closed: () => void,
  create: (owner: SocketOwner) => SocketParts,
): SocketEnd {
  const { socket, link, begin } = create(nobody);
  let onTheWay = 0;
  let waiting = 0;
  const native: BunSocket = {
    data: undefined,
    send(data) {
      if (data instanceof Blob) {
        void data.arrayBuffer().then((bytes) => native.send(bytes));
        return data.size;
      }
      const message = typeof data === "string" ? data : copyOf(data);
      const size = sizeOf(message);
      onTheWay += size;
      post(["message", id, message]);
      return size;
    },
    close: (code = 1000, reason = "") => post(["close", id, code, reason]),
    terminate: () => post(["close", id, 1006, ""]),
    getBufferedAmount: () => onTheWay + waiting,
  };
  return {
    socket,
    begin,
    take(message) {
      switch (message[0]) {
        case "opened":
          return link.open(native);
        case "message": {
          const data = message[2];
          return link.message(native, typeof data === "string" ? data : bytesOf(data).buffer);
        }
        case "buffered":
          onTheWay -= message[2];
          waiting = message[3];
          return;
        case "close":
          closed();
          return link.close(native, message[2], message[3]);
      }
    },
  };
}

/** In a thread all code is the service's, and main counts the sockets. */
const nobody: SocketOwner = {
  handlers: undefined,
  enter: (work) => work(),
  opened() {},
  closed() {},
};

/** Codes that mean "no code" cannot be said; a socket that is closed already stays so. */
function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState > 1) return;
  if (code === 1006 || code === 1005) socket.close();
  else socket.close(code, reason);
}

function copyOf(data: ArrayBufferLike | ArrayBufferView<ArrayBufferLike>): Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data as ArrayBuffer);
}

function sizeOf(data: string | Uint8Array<ArrayBuffer>): number {
  return typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
}
