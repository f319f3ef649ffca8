import { expect, test } from "bun:test";
import type { Link } from "../../../src/queue/drivers/redis/link.ts";
import { createServerRecord } from "../../../src/queue/drivers/redis/server-record.ts";
import { createTimes } from "../../../src/queue/drivers/redis/time.ts";
import { FakeClock } from "../../support/fake-clock.ts";

test("createServerRecord() notes its queues with each record: a server that was emptied knows them again", async () => {
  const clock = new FakeClock();
  const noted: string[] = [];
  const link = {
    async command(name: string, ...args: readonly unknown[]) {
      if (name === "SADD") noted.push(args.join(" "));
    },
    run: async () => 1,
  } as unknown as Link;
  const record = createServerRecord({
    link,
    times: createTimes(clock),
    owner: "here:1:x",
    number: 1,
    subscription: {
      consumer: "c",
      queues: [
        { queue: "w", weight: 2 },
        { queue: "ok", weight: 1 },
      ],
      strict: false,
      lease: 30_000,
      concurrency: 1,
      onCancel: () => {},
    },
    held: new Set(),
  });
  for (let second = 0; second < 10; second++) {
    await record.beat();
    await clock.tick(1_000);
  }
  expect(noted).toEqual(["asynq:queues w ok", "asynq:queues w ok"]);
});
