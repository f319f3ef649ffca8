import { expect, test } from "bun:test";
import type { Delivery } from "../../src/queue/driver.ts";
import { ReceiveLoop } from "../../src/queue/receive-loop.ts";
import { FakeClock } from "../support/fake-clock.ts";

test("a broker that could not be asked what is blocked, and then was, is no trouble while its queue is empty", async () => {
  const clock = new FakeClock();
  const told: (string | undefined)[] = [];
  let isAway = true;
  const loop = new ReceiveLoop({
    receiver: {
      receive: (_max, signal) =>
        new Promise<readonly Delivery[]>((resolve) => signal.addEventListener("abort", () => resolve([]))),
    },
    clock,
    random: () => 0.5,
    async prepare() {
      if (isAway) throw new Error("away");
    },
    want: () => 1,
    asked() {},
    received() {},
    trouble: (error) => told.push((error as Error | undefined)?.message),
  });
  loop.open();
  await clock.tick(50);
  isAway = false;
  await clock.tick(1_000);
  expect(told).toStrictEqual(["away", undefined]);
  const shut = loop.shut();
  await clock.tick(1_000);
  await shut;
});

test("what is blocked is asked for at each opening: another may have consumed in between", async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const loop = new ReceiveLoop({
    receiver: {
      receive: (_max, signal) => {
        seen.push("receive");
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve([])));
      },
    },
    clock,
    random: () => 0.5,
    prepare: async () => void seen.push("prepare"),
    want: () => 1,
    asked() {},
    received() {},
    trouble() {},
  });
  for (let times = 0; times < 2; times++) {
    loop.open();
    loop.open();
    await clock.tick(10);
    const shut = loop.shut();
    await clock.tick(1_000);
    await shut;
  }
  expect(seen).toEqual(["prepare", "receive", "prepare", "receive"]);
});
