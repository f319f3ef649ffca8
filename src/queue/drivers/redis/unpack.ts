/** What a script packs: texts as bytes, `false` and `nil` as null, and lists of these. */
export type Packed = Buffer | null | readonly Packed[];

/** Where the reading of a packed answer is. After a text its bytes are those from `from` to `at`. */
export interface PackedCursor {
  readonly data: Buffer;
  from: number;
  at: number;
}

/** What a script answered with `cmsgpack.pack`: a reply of many parts costs its reader several times as much. */
export function packedIn(data: Buffer): PackedCursor {
  return { data, from: 0, at: 0 };
}

/** Goes into a list, and returns how many values it has. @throws RangeError when there is no list */
export function nextList(cursor: PackedCursor): number {
  const head = cursor.data[cursor.at++] as number;
  if (head >= 0x90 && head < 0xa0) return head & 15;
  if (head === 0xdc) return size(cursor, 2);
  if (head === 0xdd) return size(cursor, 4);
  // Lua has one kind of table: cmsgpack takes an empty one for a map in some versions.
  if (head === 0x80) return 0;
  throw new RangeError(`a packed list begins with ${head}`);
}

/** Goes behind a text, and makes nothing of it; false: it is `false` or `nil`. @throws RangeError when it is neither */
export function nextText(cursor: PackedCursor): boolean {
  const head = cursor.data[cursor.at++] as number;
  let length: number;
  if (head >= 0xa0 && head < 0xc0) length = head & 31;
  else if (head === 0xc0 || head === 0xc2) return false;
  else if (head === 0xd9) length = size(cursor, 1);
  else if (head === 0xda) length = size(cursor, 2);
  else if (head === 0xdb) length = size(cursor, 4);
  else throw new RangeError(`a packed value begins with ${head}`);
  cursor.from = cursor.at;
  cursor.at += length;
  return true;
}

/** The next value, whatever it is; bytes are parts of `data`. @throws RangeError for what no script packs */
export function nextValue(cursor: PackedCursor): Packed {
  const head = cursor.data[cursor.at] as number;
  const isList = (head >= 0x80 && head < 0xa0) || head === 0xdc || head === 0xdd;
  if (isList) return Array.from({ length: nextList(cursor) }, () => nextValue(cursor));
  if (!nextText(cursor)) return null;
  return cursor.from === cursor.at ? nothing : cursor.data.subarray(cursor.from, cursor.at);
}

function size(cursor: PackedCursor, width: number): number {
  cursor.at += width;
  return cursor.data.readUIntBE(cursor.at - width, width);
}

const nothing = Buffer.alloc(0);
