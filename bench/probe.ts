import { dlopen } from "bun:ffi";
import { path } from "./workload.ts";

/*
 * HTTP requests through the system's own calls. To connect to a port where nobody listens takes 10 µs this way,
 * a tenth of what any client of the runtime takes: a poller that costs more slows down what it measures.
 */

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "usize"], returns: "i64" },
  read: { args: ["i32", "ptr", "usize"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

const internet = 2;
const stream = 1;
const closeOnExec = 0o2000000;
const socketLevel = 1;
const receiveTimeout = 20;

const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`);
/** A timeval: 5 s. */
const patience = new BigInt64Array([5n, 0n]);
const answer = new Uint8Array(512);
const decoder = new TextDecoder("latin1");

/** A request that was sent, or undefined when nobody listens. */
export type Asked = { readonly socket: number } | undefined;

/** Connects and sends a GET request; waits for nothing. */
export function ask(port: number): Asked {
  const socket = libc.socket(internet, stream | closeOnExec, 0);
  if (socket < 0) throw new Error("no socket: too many open files? See ulimit -n");
  if (libc.connect(socket, loopback(port), 16) === 0) {
    libc.setsockopt(socket, socketLevel, receiveTimeout, patience, 16);
    libc.write(socket, request, request.length);
    return { socket };
  }
  libc.close(socket);
  return undefined;
}

/** Waits for the answer, at most 5 s, and returns its HTTP status; 0 when there was none. */
export function statusOf(asked: Asked): number {
  if (!asked) return 0;
  const length = Number(libc.read(asked.socket, answer, answer.length));
  libc.close(asked.socket);
  return length >= 12 ? Number(decoder.decode(answer.subarray(9, 12))) : 0;
}

/** A sockaddr_in for 127.0.0.1. */
function loopback(port: number): Uint8Array {
  return new Uint8Array([internet, 0, port >> 8, port & 255, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
}
