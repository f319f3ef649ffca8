import { expect, test } from "bun:test";
import type { Crew } from "../../src/queue/crew.ts";
import { Groups } from "../../src/queue/groups.ts";
import { FakeClock } from "../support/fake-clock.ts";

test("groups are looked for again within a second of the broker's answer, however rarely they are looked for", async () => {
  const clock = new FakeClock();
  const broker = { isAway: false };
  const told: unknown[] = [];
  const groups = new Groups({
    receiver: {
      async dueGroups() {
        if (broker.isAway) throw new Error("away");
        return [];
      },
      commitGroup: async () => "settled",
      releaseGroup: async () => {},
    },
    limits: { grace: 60_000, maxDelay: 0, maxSize: 0 },
    clock,
    random: () => 0.5,
    trouble: (error) => told.push(error),
  });
  groups.open({} as Crew);
  for (let after = 0; after < 5_000; after += 500) {
    broker.isAway = true;
    await clock.tick(10_000 + after);
    expect(String(told.at(-1))).toBe("Error: away");
    broker.isAway = false;
    await clock.tick(1_000);
    expect(told.at(-1)).toBeUndefined();
    await clock.tick(10_000);
  }
  groups.shut();
  expect(clock.pending).toBe(0);
});
