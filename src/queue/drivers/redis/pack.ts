import type { Argument } from "./link.ts";

/**
 * MessagePack of a list of texts and bytes (numbers become texts), which scripts read with `cmsgpack.unpack`: one argument
 * instead of thousands, each of which costs both sides more than its bytes.
 */
export function pack(values: readonly Argument[]): Uint8Array {
  let buffer = Buffer.allocUnsafe(Math.max(1_024, values.length * 64));
  let length = 0;
  const reserve = (size: number) => {
    if (length + size <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + size));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  const head = (size: number) => {
    if (size < 32) buffer[length++] = 0xa0 | size;
    else if (size < 0x100) {
      buffer[length++] = 0xd9;
      buffer[length++] = size;
    } else {
      buffer[length++] = 0xdb;
      length = buffer.writeUInt32BE(size, length);
    }
  };
  buffer[length++] = 0xdd;
  length = buffer.writeUInt32BE(values.length, length);
  for (const value of values) {
    if (typeof value === "object") {
      reserve(value.length + 5);
      head(value.length);
      buffer.set(value, length);
      length += value.length;
      continue;
    }
    const text = typeof value === "string" ? value : String(value);
    if (text.length >= 32 && text.length < 86) {
      // At most 255 bytes: the head's size is known, and the text need not be measured.
      reserve(text.length * 3 + 2);
      const size = buffer.write(text, length + 2);
      buffer[length] = 0xd9;
      buffer[length + 1] = size;
      length += size + 2;
      continue;
    }
    const size = text === "" ? 0 : Buffer.byteLength(text);
    reserve(size + 5);
    head(size);
    if (size > 0) length += buffer.write(text, length);
  }
  return buffer.subarray(0, length);
}
