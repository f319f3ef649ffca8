/** What a script packs: texts as bytes, `false` and `nil` as null, and lists of these. */
export type Packed = Buffer | null | readonly Packed[];

/**
 * Reads what a script answered with `cmsgpack.pack`: a reply of many parts costs its reader several times as much. The
 * bytes are parts of `data`. @throws RangeError for anything else
 */
export function unpack(data: Buffer): Packed {
  let at = 0;
  return value();

  function value(): Packed {
    const head = data[at++] as number;
    if (head >= 0xa0 && head < 0xc0) return bytes(head & 31);
    if (head === 0xc0 || head === 0xc2) return null;
    if (head === 0xd9) return bytes(size(1));
    if (head === 0xda) return bytes(size(2));
    if (head === 0xdb) return bytes(size(4));
    if (head >= 0x90 && head < 0xa0) return list(head & 15);
    if (head === 0xdc) return list(size(2));
    if (head === 0xdd) return list(size(4));
    // Lua has one kind of table: cmsgpack takes an empty one for a map in some versions.
    if (head === 0x80) return [];
    throw new RangeError(`a packed value begins with ${head}`);
  }

  function bytes(length: number): Buffer {
    const start = at;
    at += length;
    return data.subarray(start, at);
  }

  function list(length: number): Packed[] {
    const values: Packed[] = new Array(length);
    for (let index = 0; index < length; index++) values[index] = value();
    return values;
  }

  function size(width: number): number {
    at += width;
    return data.readUIntBE(at - width, width);
  }
}
