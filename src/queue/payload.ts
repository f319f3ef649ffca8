import type { Payload } from "./driver.ts";

/** Larger ones are neither kept nor handed on: the broker is no store of files. */
export const mostResultBytes = 1_048_576;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function textOfPayload(payload: Payload): string {
  return typeof payload === "string" ? payload : decoder.decode(payload);
}

export function bytesOfPayload(payload: Payload): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload;
}

/** As JSON; an empty one is undefined, as `enqueue` without a payload makes it. @throws SyntaxError */
export function parsePayload(payload: Payload): unknown {
  if (payload.length === 0) return undefined;
  return JSON.parse(textOfPayload(payload));
}

/** What a handler returned, as it is kept; undefined for nothing. @throws TypeError when it is no JSON or too large */
export function encodeResult(value: unknown): Payload | undefined {
  if (value === undefined) return undefined;
  const result = value instanceof Uint8Array ? value : JSON.stringify(value);
  if (result === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  const size = typeof result === "string" ? Buffer.byteLength(result) : result.byteLength;
  if (size > mostResultBytes) throw new TypeError(`it has ${size} bytes, more than ${mostResultBytes}`);
  return result;
}
