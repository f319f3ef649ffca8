/*
 * As much of protobuf's wire format as asynq's messages need: varints, length-delimited fields, and fields that are
 * not known here, which are kept as they came.
 */

/** One field of a message: its number, and either a number (varint) or bytes. `raw` is the field as it was written. */
export interface Field {
  readonly number: number;
  readonly int: number;
  readonly bytes: Uint8Array;
  readonly raw: Uint8Array;
}

/** Reads all fields, in their order. @throws RangeError when the bytes are cut off, or no protobuf */
export function* readFields(data: Uint8Array): Generator<Field> {
  const cursor = { data, at: 0 };
  while (cursor.at < data.length) {
    const start = cursor.at;
    const tag = readVarint(cursor);
    const kind = tag & 7;
    let int = 0;
    let bytes: Uint8Array = nothing;
    if (kind === 0) int = readVarint(cursor);
    else if (kind === 2) bytes = take(cursor, readVarint(cursor));
    else if (kind === 1) bytes = take(cursor, 8);
    else if (kind === 5) bytes = take(cursor, 4);
    else throw new RangeError(`a protobuf field has the wire type ${kind}`);
    yield { number: Math.floor(tag / 8), int, bytes, raw: data.subarray(start, cursor.at) };
  }
}

/** Collects fields. Fields with their default value are left out, as proto3 does. */
export interface Writer {
  int(number: number, value: number): void;
  /** Text is UTF-8. */
  bytes(number: number, value: Uint8Array | string): void;
  /** A message as a field: it is there even when it is empty. */
  message(number: number, value: Uint8Array): void;
  /** Fields that are encoded already. */
  raw(fields: Uint8Array): void;
  finish(): Uint8Array;
}

export function createWriter(): Writer {
  let buffer = Buffer.allocUnsafe(512);
  let length = 0;
  function reserve(size: number): void {
    if (length + size <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + size));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  }
  function varint(value: number): void {
    reserve(10);
    // Negative ones take ten bytes: two's complement of 64 bits.
    if (value < 0) {
      for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
        buffer[length++] = Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0);
        if (rest <= 0x7fn) return;
      }
    }
    let rest = value;
    while (rest > 0x7f) {
      buffer[length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    buffer[length++] = rest;
  }
  function delimited(number: number, value: Uint8Array | string): void {
    varint(number * 8 + 2);
    if (typeof value !== "string") {
      varint(value.length);
      writer.raw(value);
      return;
    }
    const size = Buffer.byteLength(value);
    varint(size);
    reserve(size);
    length += buffer.write(value, length);
  }
  const writer: Writer = {
    int(number, value) {
      if (value === 0) return;
      varint(number * 8);
      varint(value);
    },
    bytes(number, value) {
      if (value.length > 0) delimited(number, value);
    },
    message: delimited,
    raw(fields) {
      reserve(fields.length);
      buffer.set(fields, length);
      length += fields.length;
    },
    finish: () => buffer.subarray(0, length),
  };
  return writer;
}

/** UTF-8 of a field; what is not becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

const nothing = new Uint8Array(0);

interface Cursor {
  readonly data: Uint8Array;
  at: number;
}

function take(cursor: Cursor, size: number): Uint8Array {
  const end = cursor.at + size;
  if (end > cursor.data.length || size < 0) throw new RangeError("a protobuf field is cut off");
  const bytes = cursor.data.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}

/** Exact up to 2^53; of negative ones (64 bits of two's complement) exact down to -2^53. */
function readVarint(cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (let size = 1; size <= 10; size++) {
    const byte = cursor.data[cursor.at++];
    if (byte === undefined) throw new RangeError("a protobuf field is cut off");
    // The ninth byte ends at bit 63: from there on the sign counts, and doubles are no longer exact.
    if (size === 10) return negative(cursor);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new RangeError("a protobuf number is too long");
}

function negative(cursor: Cursor): number {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    value |= BigInt((cursor.data[cursor.at - 10 + index] as number) & 0x7f) << BigInt(7 * index);
  }
  return Number(BigInt.asIntN(64, value));
}
