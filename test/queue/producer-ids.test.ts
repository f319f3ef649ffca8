import { expect, test } from "bun:test";
import { createTaskIds } from "../../src/queue/producer-ids.ts";

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("createTaskIds() makes UUIDs of version 7 that hold the time", () => {
  const id = createTaskIds(() => 1_700_000_000_123)();
  expect(id).toMatch(version7);
  expect(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16)).toBe(1_700_000_000_123);
});

test("createTaskIds() goes up within a millisecond, past its counter, and when the clock steps back", () => {
  let now = 1_700_000_000_000;
  const newId = createTaskIds(() => now);
  const ids = Array.from({ length: 20_000 }, (_, n) => {
    if (n === 10_000) now -= 60_000;
    return newId();
  });
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => version7.test(id))).toBe(true);
});

test("createTaskIds() draws randomness for many at once", () => {
  let drawn = 0;
  const newId = createTaskIds(
    () => 1_700_000_000_000,
    (words) => {
      drawn++;
      words.fill(0xffff_ffff);
    },
  );
  for (let n = 0; n < 1_000; n++) newId();
  expect(drawn).toBe(1);
  expect(newId()).toMatch(version7);
});
