import { fromWire, toWire } from "./wire-error.ts";
import type { BodyMessage, WireBody } from "./worker-protocol.ts";

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<unknown>["read"]>>;

/** What was read of a body before it is known whether it is short. */
export interface Source {
  read(): Promise<Read>;
  cancel(reason?: unknown): Promise<void>;
}

/** The bodies that cross one port, in both directions. Each id has at most one in each direction. */
export interface BodyCrossing {
  /** Sends `source`, chunk by chunk, as fast as the other side reads. `ended` is told once, however it ends. */
  send(id: number, source: Source, ended: () => void): void;
  /** What the other side sends under `id`. It asks for nothing before it is read. */
  receive(id: number, ended: () => void): ReadableStream<Uint8Array>;
  take(message: BodyMessage): void;
  /** Whoever gave the body that is sent under `id` has gone away: it breaks. */
  breakOff(id: number): void;
  /** Refuses what comes under `id` when nobody has begun to read it. */
  forgetUnread(id: number): void;
  /** The other side is gone: what it was sending breaks, what was sent to it is cancelled. */
  close(reason: Error): void;
}

/** How much may be on its way, in bytes. */
const windowBytes = 65_536;

/** Bodies up to this size cross in one message together with their headers. */
export const wholeBytes = 65_536;

export function createBodyCrossing(post: (message: BodyMessage) => void): BodyCrossing {
  const sending = new Map<number, Sender>();
  const receiving = new Map<number, Receiver>();

  return {
    send(id, source, ended) {
      const sender = createSender(id, source, post, () => {
        sending.delete(id);
        ended();
      });
      sending.set(id, sender);
    },
    receive(id, ended) {
      const receiver = createReceiver(id, post, () => {
        receiving.delete(id);
        ended();
      });
      receiving.set(id, receiver);
      return receiver.stream;
    },
    take(message) {
      const [tag, id] = message;
      if (tag === "credit") sending.get(id)?.credit(message[2]);
      else if (tag === "cancel") sending.get(id)?.cancel();
      else if (tag === "chunk") receiving.get(id)?.chunk(bytesOf(message[2]));
      else if (tag === "end") receiving.get(id)?.end();
      else receiving.get(id)?.break(fromWire(message[2]));
    },
    breakOff(id) {
      const sender = sending.get(id);
      if (!sender) return;
      sender.cancel();
      post(["broken", id, toWire(new DOMException("The client has gone away", "AbortError"))]);
    },
    forgetUnread(id) {
      if (!receiving.get(id)?.isUnread()) return;
      receiving.delete(id);
      post(["cancel", id]);
    },
    close(reason) {
      for (const sender of [...sending.values()]) sender.cancel(reason);
      for (const receiver of [...receiving.values()]) receiver.break(reason);
    },
  };
}

interface Sender {
  credit(bytes: number): void;
  cancel(reason?: Error): void;
}

function createSender(
  id: number,
  source: Source,
  post: (message: BodyMessage) => void,
  ended: () => void,
): Sender {
  let credit = 0;
  let isPumping = false;
  let isOver = false;

  function over() {
    isOver = true;
    ended();
  }
  async function pump() {
    isPumping = true;
    try {
      while (credit > 0 && !isOver) {
        const { done, value } = await source.read();
        if (isOver) return;
        if (done) {
          post(["end", id]);
          return over();
        }
        const bytes = asBytes(value);
        credit -= Math.max(1, bytes.byteLength);
        post(["chunk", id, wireBytes(bytes)]);
      }
    } catch (error) {
      if (isOver) return;
      post(["broken", id, toWire(error)]);
      over();
      // A chunk that was no chunk leaves its stream open.
      source.cancel(error).catch(ignore);
    } finally {
      isPumping = false;
    }
  }
  return {
    credit(bytes) {
      credit += bytes;
      if (!isPumping) void pump();
    },
    cancel(reason) {
      if (isOver) return;
      over();
      // Who cancels does not care any more how that goes.
      source.cancel(reason).catch(ignore);
    },
  };
}

interface Receiver {
  readonly stream: ReadableStream<Uint8Array>;
  isUnread(): boolean;
  chunk(bytes: Uint8Array<ArrayBuffer>): void;
  end(): void;
  break(error: Error): void;
}

function createReceiver(id: number, post: (message: BodyMessage) => void, ended: () => void): Receiver {
  let output: ReadableStreamDefaultController<Uint8Array>;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  /** Bytes that were read since the last credit; undefined until the first read. */
  let read: number | undefined;
  let hasEnded = false;
  let isOver = false;
  let wake: (() => void) | undefined;

  function over() {
    if (isOver) return;
    isOver = true;
    ended();
    wake?.();
  }
  function give(bytes: Uint8Array<ArrayBuffer>) {
    read = (read ?? 0) + Math.max(1, bytes.byteLength);
    if (read >= windowBytes / 2 && !hasEnded) {
      post(["credit", id, read]);
      read = 0;
    }
    output.enqueue(bytes);
  }
  function settle() {
    if (!hasEnded || chunks.length > 0 || isOver) return;
    over();
    output.close();
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        output = controller;
      },
      async pull() {
        if (read === undefined) {
          read = 0;
          post(["credit", id, windowBytes]);
        }
        while (chunks.length === 0 && !hasEnded && !isOver) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const next = chunks.shift();
        if (next) give(next);
        settle();
      },
      cancel() {
        if (isOver) return;
        over();
        post(["cancel", id]);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    isUnread: () => read === undefined,
    chunk(bytes) {
      chunks.push(bytes);
      wake?.();
    },
    end() {
      hasEnded = true;
      wake?.();
    },
    break(error) {
      if (isOver) return;
      over();
      output.error(error);
    },
  };
}

/**
 * Reads what is there already. A body that shows its end within a few microtasks and is short is returned whole;
 * of any other the source goes on where this stopped reading.
 */
export async function readAhead(stream: ReadableStream<unknown>): Promise<WireBody | Source> {
  const reader = stream.getReader();
  const ahead: Promise<Read>[] = [];
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    // Empty chunks are no bytes, but may never end either.
    while (size <= wholeBytes && parts.length < mostParts) {
      const reading = reader.read();
      ahead.push(reading);
      if (!(await isSoon(reading))) break;
      const { done, value } = await reading;
      if (done) return size === 0 ? null : wireBytes(joined(parts, size));
      const part = asBytes(value);
      parts.push(part);
      size += part.byteLength;
    }
  } catch {
    // The same failure comes again where the body is read.
  }
  return { read: () => ahead.shift() ?? reader.read(), cancel: (reason) => reader.cancel(reason) };
}

/** What a body of one message is made of on the other side; never text, which would bring a content-type along. */
export function bytesOf(data: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof data === "string" ? Buffer.from(data, "latin1") : data;
}

/** Small ones as text of one character per byte, larger ones as they are. */
export function wireBytes(bytes: Uint8Array<ArrayBuffer>): string | Uint8Array<ArrayBuffer> {
  if (bytes.byteLength > 16_384) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

const encoder = new TextEncoder();

function asBytes(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return value as Uint8Array<ArrayBuffer>;
  // Bun takes these in the body of a Response as well.
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  throw new TypeError(`A body gave ${typeof value}, no bytes`);
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** Whether `work` settles without the loop having to turn. */
async function isSoon(work: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  work.then(done, done);
  for (let turn = 0; turn < microtasks && !settled; turn++) await null;
  return settled;
}

const mostParts = 64;

/** What a stream of either runtime takes to hand over what it has. */
const microtasks = 12;

function ignore(): void {}
