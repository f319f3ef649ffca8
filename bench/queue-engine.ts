/**
 * How many messages a second go through the consumer engine alone: a broker that does nothing but count, handlers that do
 * nothing. `bun bench/queue-engine.ts [messages]`; one process, one core.
 */
import type { Beacon } from "../src/core/beacon.ts";
import { createBeacon, withMark } from "../src/core/beacon.ts";
import { systemClock } from "../src/core/clock.ts";
import { createFloor } from "../src/core/floor.ts";
import { createLogger } from "../src/core/log.ts";
import type { ConsumePlan } from "../src/core/plan.ts";
import type { Delivery, Driver, Receiver, SettleResult } from "../src/queue/driver.ts";
import { createQueueIntake } from "../src/queue/queue-intake.ts";
import type { Context, Service } from "../src/service/contract.ts";
import { scopes } from "../src/service/scope.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const payload = JSON.stringify({ order_id: 1, text: "x".repeat(170) });

function receiverOf(keys: number, done: () => void): Receiver {
  let sent = 0;
  let settled = 0;
  return {
    async receive(max, signal) {
      if (sent >= count) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        return [];
      }
      const length = Math.min(max, count - sent);
      return Array.from({ length }, () => delivery(sent++, keys));
    },
    async settle(settlements) {
      settled += settlements.length;
      if (settled >= count) done();
      return settlements.map((): SettleResult => "settled");
    },
    extend: async () => [],
    begin: async () => {},
    progress: async () => {},
    blockedKeys: async () => new Map(),
    dueGroups: async () => [],
    commitGroup: async () => "settled",
    releaseGroup: async () => {},
    close: async () => {},
  };
}

function delivery(index: number, keys: number): Delivery {
  return {
    id: `t${index}`,
    queue: "default",
    type: "order:paid",
    payload,
    headers: noHeaders,
    ...(keys > 0 ? { key: `k${index % keys}` } : {}),
    enqueuedAt: 0,
    dueAt: Date.now(),
    retried: 0,
    maxRetry: 25,
    crashes: 0,
    timeout: 0,
    deadline: 0,
    retention: 0,
  };
}

const noHeaders = {};

async function measure(
  name: string,
  service: Service,
  changes: Partial<ConsumePlan>,
  keys = 0,
): Promise<void> {
  const plan: ConsumePlan = {
    broker: "main",
    queues: [{ queue: "default", weight: 1 }],
    strict: false,
    concurrency: 10,
    buffer: 1_000,
    timeout: 0,
    lease: 30_000,
    retry: { attempts: 25, backoff: { min: 1_000, max: 600_000, factor: 2 } },
    ...changes,
  };
  const end = Promise.withResolvers<void>();
  const log = createLogger(() => {}, Date.now);
  const driver = {
    connect: async () => {},
    subscribe: () => receiverOf(keys, end.resolve),
  } as unknown as Driver;
  const intake = createQueueIntake({
    floor: createFloor(),
    service: "bench",
    plan,
    driver: () => driver,
    clock: systemClock,
    random: Math.random,
    log,
    trouble: () => {},
  });
  const scope = { service: "bench", generation: 1, log, beacon: 1, failed() {} };
  const beacon: Beacon = createBeacon();
  await intake.join?.();
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const lease = intake.open({
    scope,
    // As inline services are called: with their scope and their mark on the beacon.
    life: {
      service,
      ctx: {} as Context,
      enter: (work) => scopes.run(scope, () => withMark(beacon, 1, work)),
    },
  });
  await end.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = process.cpuUsage(before);
  await lease.drain({ final: true });
  const perMessage = (cpu.user + cpu.system) / count;
  console.log(
    `${name.padEnd(28)} ${Math.round(count / seconds)
      .toLocaleString()
      .padStart(10)}/s  ${perMessage.toFixed(2)} µs of CPU each`,
  );
}

const asynchronous: Service = { consume: async () => {} };
await measure("warm-up", asynchronous, {});
await measure("async handler", asynchronous, {});
await measure("async, time-out of 30 s", asynchronous, { timeout: 30_000 });
await measure("async, concurrency 100", asynchronous, { concurrency: 100 });
await measure("async, 1,000 keys", asynchronous, {}, 1_000);
await measure("async, key from the payload", asynchronous, { key: "data.order_id" });
await measure("sync handler", { consume: () => {} }, {});
await measure("batches of 100", { consumeBatch: async () => {} }, { batch: { size: 100, wait: 10 } });
process.exit(0);
