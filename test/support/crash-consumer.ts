import { appendFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import type { Delivery, OpenDriver } from "../../src/queue/driver.ts";

/*
 * Consumes queue `q` until it is killed: `bun test/support/crash-consumer.ts DRIVER URL EFFECTS`. The effect of a
 * message is a line with its id in the file EFFECTS, written before it is settled.
 */
const [kind = "", url = "", effects = ""] = process.argv.slice(2);
const open = (
  Object.values(await import(`../../src/queue/drivers/${kind}.ts`)) as OpenDriver[]
)[0] as OpenDriver;
const log = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const driver = open({
  name: "main",
  url,
  clock: systemClock,
  random: Math.random,
  log,
  owner: `${hostname()}:${process.pid}:${Date.now()}`,
  onConnection() {},
});
await driver.connect();
const receiver = driver.subscribe({
  consumer: "crash",
  queues: [{ queue: "q", weight: 1 }],
  strict: false,
  lease: 2_000,
  concurrency: 10,
  onCancel() {},
});
process.stdout.write("ready\n");
const never = new AbortController().signal;
for (;;) {
  const deliveries = await receiver.receive(1 + Math.floor(Math.random() * 20), never);
  await Promise.all(
    deliveries.map(async (delivery) => {
      appendFileSync(effects, `${delivery.id}\n`);
      await acked(delivery);
    }),
  );
}

/** Again while the broker is away. */
async function acked(delivery: Delivery): Promise<void> {
  for (;;) {
    try {
      await receiver.settle([{ tag: "ack", delivery }]);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== "BROKER_UNREACHABLE") throw error;
      await sleep(20);
    }
  }
}
