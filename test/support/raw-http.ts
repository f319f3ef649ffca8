import type { Socket } from "node:net";
import { connect } from "node:net";

/** An answer as it came over the wire; header names in lower case. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection, under the control of the test: a client that retried by itself would hide a lost request. */
export interface RawConnection extends Disposable {
  /** Sends GET and resolves with the answer; rejects when the connection ends before it is whole. */
  get(path: string): Promise<RawResponse>;
  readonly closed: Promise<void>;
}

/** Connects to the `http://host:port` of `url`. */
export function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => resolve(connectionOf(socket, host)));
  });
}

function connectionOf(socket: Socket, host: string): RawConnection {
  let received = Buffer.alloc(0);
  let waiting: { resolve(response: RawResponse): void; reject(error: Error): void } | undefined;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const parsed = parse(received);
    if (!parsed) return;
    received = received.subarray(parsed.length);
    waiting?.resolve(parsed.response);
    waiting = undefined;
  });
  void closed.then(() => waiting?.reject(new Error(`the connection closed after ${received.length} bytes`)));
  return {
    closed,
    get(path) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      });
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** The first whole response in `bytes`; only bodies with a content-length are understood. */
function parse(bytes: Buffer): { response: RawResponse; length: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const length = end + 4 + Number(headers["content-length"] ?? 0);
  if (bytes.length < length) return undefined;
  const body = bytes.subarray(end + 4, length).toString("utf8");
  return { response: { status: Number(statusLine.split(" ")[1]), headers, body }, length };
}
