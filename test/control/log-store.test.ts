import { expect, test } from "bun:test";
import { createLogStore } from "../../src/control/log-store.ts";
import { createRing } from "../../src/control/ring.ts";
import { createTail } from "../../src/control/tail.ts";

test("createRing() keeps the newest entries within both limits", () => {
  const ring = createRing<number>({ entries: 100, bytes: 50 });
  for (let number = 0; number < 1_000; number++) ring.push(number, 1);
  expect([ring.length, ring.bytes, ring.last(2)]).toEqual([50, 50, [998, 999]]);
  ring.push(1_000, 80);
  expect(ring.last(10)).toEqual([1_000]);
});

test("createLogStore() takes room from whoever has most: a quiet service keeps its lines", () => {
  const store = createLogStore({ perService: { entries: 1_000, bytes: 10_000 }, bytes: 2_000 });
  store.add("quiet", "only one\n");
  for (let number = 0; number < 500; number++)
    store.add(`loud-${number % 2}`, `${"x".repeat(20)}${number}\n`);
  expect(store.last(5, new Set(["quiet"])).map((line) => line.text)).toEqual(["only one\n"]);
  const all = store.last(1_000);
  expect(all.reduce((sum, line) => sum + line.text.length, 0)).toBeLessThanOrEqual(2_000);
  expect(all.at(-1)?.text).toEndWith("499\n");
});

test("createTail() drops the oldest lines of a reader that is too slow, and tells how many", async () => {
  let push: (line: string) => void = () => {};
  let closed = 0;
  const tail = createTail({
    first: [],
    follow(given) {
      push = given;
      return () => {};
    },
    closed: () => closed++,
    most: { lines: 2, characters: 1_000 },
  });
  for (const line of ["1\n", "2\n", "3\n"]) push(line);
  const reader = tail.stream.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  expect(first).toBe(`{"type":"dropped","count":1}\n2\n3\n`);
  const next = reader.read();
  push("4\n");
  expect(new TextDecoder().decode((await next).value)).toBe("4\n");
  tail.end();
  expect((await reader.read()).done).toBe(true);
  expect(closed).toBe(1);
});
