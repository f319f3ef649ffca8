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

/** Where the reading of a message is: at a field, whose bytes (if it has any) are those from `from` to `at`. */
export interface FieldCursor {
  readonly data: Buffer;
  /** Where the message ends. */
  readonly end: number;
  number: number;
  int: number;
  start: number;
  from: number;
  at: number;
}

/** The message from `from` to `end`, which is all of `data` unless said otherwise. */
export function fieldsOf(data: Uint8Array, from = 0, end = data.length): FieldCursor {
  return { data: asBuffer(data), end, number: 0, int: 0, start: from, from, at: from };
}

/**
 * Goes to the next field; false: there is none. Makes nothing: whoever reads many messages would pay for it.
 *
 * @throws RangeError when the bytes are cut off, or no protobuf
 */
export function nextField(cursor: FieldCursor): boolean {
  if (cursor.at >= cursor.end) return false;
  cursor.start = cursor.at;
  const tag = readVarint(cursor);
  const kind = tag & 7;
  cursor.number = tag < 0x80 ? tag >> 3 : Math.floor(tag / 8);
  cursor.int = 0;
  cursor.from = cursor.at;
  if (kind === 0) cursor.int = readVarint(cursor);
  else if (kind === 2) skip(cursor, readVarint(cursor));
  else if (kind === 1) skip(cursor, 8);
  else if (kind === 5) skip(cursor, 4);
  else throw new RangeError(`a protobuf field has the wire type ${kind}`);
  return true;
}

/** The field as it was written. */
export function rawAt({ data, start, at }: FieldCursor): Uint8Array {
  return data.subarray(start, at);
}

export function bytesAt({ data, from, at }: FieldCursor): Uint8Array {
  return data.subarray(from, at);
}

/** UTF-8; what is not becomes U+FFFD. */
export function textAt({ data, from, at }: FieldCursor): string {
  return data.toString("utf8", from, at);
}

/** Reads all fields, in their order. @throws RangeError when the bytes are cut off, or no protobuf */
export function* readFields(data: Uint8Array): Generator<Field> {
  const cursor = fieldsOf(data);
  while (nextField(cursor)) {
    yield { number: cursor.number, int: cursor.int, bytes: bytesAt(cursor), raw: rawAt(cursor) };
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
  /** Forgets what it has. */
  clear(): void;
  /** What it has, which is the caller's; afterwards it has nothing, and can write the next message. */
  finish(): Uint8Array;
}

export function createWriter(): Writer {
  let buffer = Buffer.allocUnsafe(usualSize);
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
    const most = value.length * 3;
    reserve(most + 10);
    // Where the length of the length is known before the text is written it need not be measured.
    const before = most < 0x80 ? 1 : value.length >= 0x80 && most < 0x4000 ? 2 : 0;
    if (before === 0) varint(Buffer.byteLength(value));
    const start = length + before;
    const size = buffer.write(value, start);
    if (before === 2) buffer[length++] = (size & 0x7f) | 0x80;
    if (before > 0) buffer[length] = before === 2 ? size >> 7 : size;
    length = before === 0 ? length + size : start + size;
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
    clear() {
      length = 0;
    },
    finish() {
      const made = Buffer.allocUnsafe(length);
      buffer.copy(made, 0, 0, length);
      length = 0;
      // What one large message took is not kept for ever.
      if (buffer.length > mostKept) buffer = Buffer.allocUnsafe(usualSize);
      return made;
    },
  };
  return writer;
}

/** UTF-8 of a field; what is not becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString();
}

const usualSize = 512;
const mostKept = 65_536;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function skip(cursor: FieldCursor, size: number): void {
  const end = cursor.at + size;
  if (end > cursor.end || size < 0) throw new RangeError("a protobuf field is cut off");
  cursor.from = cursor.at;
  cursor.at = end;
}

/** Exact up to 2^53; of negative ones (64 bits of two's complement) exact down to -2^53. */
function readVarint(cursor: FieldCursor): number {
  const first = cursor.data[cursor.at] as number;
  if (cursor.at < cursor.end && first < 0x80) {
    cursor.at++;
    return first;
  }
  let value = 0;
  let scale = 1;
  for (let size = 1; size <= 10; size++) {
    if (cursor.at >= cursor.end) throw new RangeError("a protobuf field is cut off");
    const byte = cursor.data[cursor.at++] as number;
    // The ninth byte ends at bit 63: from there on the sign counts, and doubles are no longer exact.
    if (size === 10) return negative(cursor);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new RangeError("a protobuf number is too long");
}

function negative(cursor: FieldCursor): number {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    value |= BigInt((cursor.data[cursor.at - 10 + index] as number) & 0x7f) << BigInt(7 * index);
  }
  return Number(BigInt.asIntN(64, value));
}
