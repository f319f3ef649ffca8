import { expect, test } from "bun:test";
import type { Packed } from "../../../src/queue/drivers/redis/unpack.ts";
import { nextList, nextText, nextValue, packedIn } from "../../../src/queue/drivers/redis/unpack.ts";

const read = (...bytes: number[]) => nextValue(packedIn(Buffer.from(bytes)));
const texts = (packed: Packed): unknown =>
  Array.isArray(packed) ? packed.map(texts) : packed && String(packed);

test("nextValue() reads lists of texts, and false and nil as null", () => {
  expect(texts(read(0x93, 0xa1, 97, 0xc2, 0xc0))).toEqual(["a", null, null]);
  expect(texts(read(0x92, 0x91, 0xa0, 0x90))).toEqual([[""], []]);
  expect(read(0x80)).toEqual([]);
});

test("nextValue() reads every size of text and list that there is", () => {
  const long = (size: number) => new Array(size).fill(120);
  for (const head of [
    [0xd9, 200],
    [0xda, 0, 200],
    [0xdb, 0, 0, 0, 200],
  ]) {
    expect(String(read(...head, ...long(200)))).toBe("x".repeat(200));
  }
  expect(texts(read(0xdc, 0, 2, 0xa0, 0xa0))).toEqual(["", ""]);
  expect(texts(read(0xdd, 0, 0, 0, 1, 0xa1, 98))).toEqual(["b"]);
});

test("nextValue() refuses what no script packs", () => {
  expect(() => read(0xcb)).toThrow(RangeError);
  expect(() => read()).toThrow(RangeError);
});

test("nextList() and nextText() walk over what they make nothing of", () => {
  const cursor = packedIn(Buffer.from([0x93, 0xa2, 97, 98, 0xc0, 0xa1, 99]));
  expect(nextList(cursor)).toBe(3);
  expect([nextText(cursor), cursor.from, cursor.at]).toEqual([true, 2, 4]);
  expect(nextText(cursor)).toBe(false);
  expect([nextText(cursor), cursor.from, cursor.at]).toEqual([true, 6, 7]);
  expect(() => nextList(packedIn(Buffer.from([0xa0])))).toThrow(RangeError);
  expect(() => nextText(packedIn(Buffer.from([0x90])))).toThrow(RangeError);
});
