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
