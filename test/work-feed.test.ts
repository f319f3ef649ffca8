import { expect, test } from "bun:test";
import { feedWork } from "../src/work-feed.ts";
import { FakeClock } from "./support/fake-clock.ts";

test("feedWork() tells at once, then each second in which something has changed, until it is ended", async () => {
  const clock = new FakeClock();
  const told: string[] = [];
  let done = 0;
  const schedule = () => ({ running: 0, done, failed: 0, skipped: 0 });
  const end = feedWork({
    clock,
    work: () => ({ nightly: { schedule: schedule() } }),
    tell: (work) => told.push(work),
  });
  expect(told.map((text) => JSON.parse(text))).toEqual([{ nightly: { schedule: schedule() } }]);
  await clock.tick(5_000);
  expect(told.length).toBe(1);
  done = 3;
  await clock.tick(1_000);
  expect(told.length).toBe(2);
  end();
  done = 4;
  await clock.tick(5_000);
  expect(told.length).toBe(2);
});
