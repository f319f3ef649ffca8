import { expect, test } from "bun:test";
import type { Packed } from "../../../src/queue/drivers/redis/unpack.ts";
import { unpack } from "../../../src/queue/drivers/redis/unpack.ts";

const read = (...bytes: number[]) => unpack(Buffer.from(bytes));
const texts = (packed: Packed): unknown =>
  Array.isArray(packed) ? packed.map(texts) : packed && String(packed);

test("unpack() reads lists of texts, and false and nil as null", () => {
  expect(texts(read(0x93, 0xa1, 97, 0xc2, 0xc0))).toEqual(["a", null, null]);
  expect(texts(read(0x92, 0x91, 0xa0, 0x90))).toEqual([[""], []]);
  expect(read(0x80)).toEqual([]);
});

test("unpack() reads every size of text and list that there is", () => {
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

test("unpack() refuses what no script packs", () => {
  expect(() => read(0xcb)).toThrow(RangeError);
  expect(() => read()).toThrow(RangeError);
});
