import { expect, test } from "bun:test";
import { createLogger } from "../../../src/core/log.ts";
import type { Link } from "../../../src/queue/drivers/redis/link.ts";
import { createTending } from "../../../src/queue/drivers/redis/tending.ts";
import { createTimes } from "../../../src/queue/drivers/redis/time.ts";
import type { Watch } from "../../../src/queue/drivers/redis/watch.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** As the timers of the runtimes: they count whole milliseconds, and may be early by a part of one. */
class EarlyClock extends FakeClock {
  override after(delayMs: number, callback: () => void): () => void {
    return super.after(Math.max(0.1, delayMs - 0.7), callback);
  }
}

test("createTending() asks Redis once a second, also when its timers are early", async () => {
  const clock = new EarlyClock();
  let asked = 0;
  let beats = 0;
  const link = {
    isCluster: false,
    isUp: () => true,
    onUp() {},
    async run() {
      asked++;
      return [[Buffer.from("0"), 0, 0]];
    },
  } as unknown as Link;
  const tending = createTending({
    link,
    clock,
    times: createTimes(clock),
    log: createLogger(() => {}, clock.wall),
    watch: { stir() {} } as unknown as Watch,
  });
  tending.onBeat(() => beats++);
  await tending.add(["q"]);
  await clock.tick(10_000);
  tending.close();
  expect({ asked, beats }).toEqual({ asked: 11, beats: 11 });
});
