import type { Socket } from "node:net";
import { connect } from "node:net";

/** A client that does nothing by itself: no retry, no pool, no parsing. */
export interface Wire {
  send(text: string): void;
  /** Everything received so far, one character per byte. */
  readonly received: string;
  /** Resolves when `received` contains `text`; rejects when the connection ends before, or after 5 s. */
  until(text: string): Promise<string>;
  /** Resolves with everything received, when the other side has closed or reset the connection. */
  readonly closed: Promise<string>;
  readonly isClosed: boolean;
  /** Stops or starts reading. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** Rejects with the `code` of the system when nobody listens. */
export function openWire(address: { port: number } | { path: string }): Promise<Wire> {
  const socket = "port" in address ? connect(address.port, "127.0.0.1") : connect(address.path);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(wireOf(socket));
    });
  });
}

function wireOf(socket: Socket): Wire {
  let received = "";
  let isClosed = false;
  const waiting = new Set<() => void>();
  const notify = () => {
    for (const check of [...waiting]) check();
  };
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    notify();
  });
  // What happened shows in what was received.
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => {
    const close = () => {
      isClosed = true;
      notify();
      resolve(received);
      socket.destroy();
    };
    socket.once("end", close);
    socket.once("close", close);
  });
  return {
    send: (text) => void socket.write(text),
    get received() {
      return received;
    },
    until(text) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail("nothing more came"), 5_000);
        const fail = (why: string) => {
          finish();
          reject(new Error(`Waited for ${JSON.stringify(text)}, but ${why}: ${JSON.stringify(received)}`));
        };
        const finish = () => {
          clearTimeout(timer);
          waiting.delete(check);
        };
        const check = () => {
          if (received.includes(text)) {
            finish();
            resolve(received);
          } else if (isClosed) fail("the connection was closed");
        };
        waiting.add(check);
        check();
      });
    },
    closed,
    get isClosed() {
      return isClosed;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/** A GET as text, on a connection that stays open. */
export function get(path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The request that begins a WebSocket. */
export function upgrade(path: string, headers: Record<string, string> = {}): string {
  return get(path, {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  });
}

/** Whether a response tells its client to go away. Closing is then up to the client: Deno waits for it. */
export function saysClose(response: string): boolean {
  return /\r\nconnection: close\r\n/i.test(response);
}
