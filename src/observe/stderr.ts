import { constants, fstatSync, openSync, writeSync } from "node:fs";

/** Lines on their way to standard error. */
export interface LineOutput {
  /** Writes at once when there is room, otherwise soon; never throws, never blocks on a reader that is away. */
  write(text: string): void;
  /** Waits, at most half a second, until what is left is written. */
  flush(): void;
}

export interface LineOutputOptions {
  /** What is written once there is room again, after `count` lines had to be thrown away. */
  readonly lost: (count: number) => string;
  /** Bytes kept for a reader that does not read. @default 4 MiB */
  readonly room?: number;
  /** Writes some of it and returns how many bytes; throws like `fs.writeSync`. @default standard error */
  readonly put?: (bytes: Uint8Array) => number;
}

// Taken before service code can wrap them.
const { setTimeout } = globalThis;
const encoder = new TextEncoder();
const retryMs = 5;
const patienceMs = 500;

export function createLineOutput(options: LineOutputOptions): LineOutput {
  const { lost, room = 4 * 1_048_576 } = options;
  const put = options.put ?? putTo(standardError());
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lostLines = 0;
  let retrying = false;
  let closed = false;
  let discarding = false;

  /** True when nothing is left to be written. */
  function drain(): boolean {
    for (let chunk = waiting[0]; chunk && !closed; chunk = waiting[0]) {
      const written = attempt(chunk);
      if (written === 0) break;
      waitingBytes -= written;
      if (written < chunk.length) {
        waiting[0] = chunk.subarray(written);
        continue;
      }
      waiting.shift();
      if (waiting.length === 0 && lostLines > 0 && !discarding) {
        keep(encoder.encode(lost(lostLines)));
        lostLines = 0;
      }
    }
    if (closed) waiting.length = waitingBytes = 0;
    return waiting.length === 0;
  }

  /** How many bytes of `chunk` need no more attention. */
  function attempt(chunk: Uint8Array): number {
    discarding = false;
    try {
      return put(chunk);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "EAGAIN" || code === "EWOULDBLOCK" || code === "EINTR") return 0;
      // A full disk may get room again; after EPIPE, EBADF or EIO nobody reads any more, and nobody can be told.
      discarding = code === "ENOSPC" || code === "EDQUOT";
      if (!discarding) closed = true;
      else lostLines += 1;
      return discarding ? chunk.length : 0;
    }
  }

  function keep(chunk: Uint8Array): void {
    waiting.push(chunk);
    waitingBytes += chunk.length;
  }

  function retryLater(): void {
    if (retrying) return;
    retrying = true;
    process.once("exit", flush);
    const again = () => {
      if (!drain()) return void setTimeout(again, retryMs).unref();
      retrying = false;
      process.off("exit", flush);
    };
    setTimeout(again, retryMs).unref();
  }

  function flush(): void {
    for (let waited = 0; !drain() && waited < patienceMs; waited += retryMs) pause(retryMs);
  }

  return {
    write(text) {
      if (closed || text === "") return;
      const chunk = encoder.encode(text);
      if (waitingBytes + chunk.length > room) {
        lostLines += 1;
        return;
      }
      keep(chunk);
      if (!drain()) retryLater();
    },
    flush,
  };
}

function putTo(fd: number): (bytes: Uint8Array) => number {
  return (bytes) => writeSync(fd, bytes);
}

/**
 * A pipe whose reader is stuck would freeze every service with the next log line. Opening it anew gives a
 * description of our own, so that not waiting for it changes nothing for whoever shares file descriptor 2.
 */
function standardError(): number {
  standardErrorFd ??= openStandardError();
  return standardErrorFd;
}

let standardErrorFd: number | undefined;

function openStandardError(): number {
  try {
    if (!fstatSync(2).isFIFO()) return 2;
    return openSync("/proc/self/fd/2", constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // No /proc, or the pipe belongs to another user: writing may wait for the reader, as it does everywhere else.
    return 2;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
