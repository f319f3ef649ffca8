import { expect, test } from "bun:test";
import { pack } from "../../../src/queue/drivers/redis/pack.ts";

const bytes = (...values: Parameters<typeof pack>[0]) => [...pack(values)];
const list = (size: number) => [0xdd, 0, 0, 0, size];

test("pack() writes a list of texts, in as few bytes as MessagePack has for their length", () => {
  expect(bytes()).toEqual(list(0));
  expect(bytes("", "ab")).toEqual([...list(2), 0xa0, 0xa2, 97, 98]);
  expect(bytes("x".repeat(31)).slice(5, 7)).toEqual([0xbf, 120]);
  expect(bytes("x".repeat(32)).slice(5, 8)).toEqual([0xd9, 32, 120]);
  expect(bytes("x".repeat(255)).slice(5, 8)).toEqual([0xd9, 255, 120]);
  expect(bytes("x".repeat(256)).slice(5, 11)).toEqual([0xdb, 0, 0, 1, 0, 120]);
});

test("pack() counts bytes, not characters, and writes numbers as texts", () => {
  expect(bytes("é")).toEqual([...list(1), 0xa2, 0xc3, 0xa9]);
  expect(bytes(-12)).toEqual([...list(1), 0xa3, 45, 49, 50]);
});

test("pack() takes bytes as they are, however many", () => {
  expect(bytes(new Uint8Array([0, 255]))).toEqual([...list(1), 0xa2, 0, 255]);
  const large = pack([new Uint8Array(100_000).fill(7), "end"]);
  expect(large.length).toBe(5 + 5 + 100_000 + 4);
  expect([...large.subarray(-4)]).toEqual([0xa3, 101, 110, 100]);
});
