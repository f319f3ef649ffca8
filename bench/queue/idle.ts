import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";

interface Idle {
  /** Of one core. */
  readonly percent: number;
  readonly reads: number;
}

const consumers = 10;

/** What ten consumers cost that wait, beside the same services without `consume`: percent of one core. */
export async function idleCost(bench: Bench, redis: RedisServer | undefined): Promise<Figure[]> {
  const rounds = bench.quick ? 1 : 3;
  const seconds = bench.quick ? 10 : 30;
  const figures: Figure[] = [];
  const brokers = {
    ...(redis && { Redis: `redis://${redis.address}/0` }),
    SQLite: "sqlite:./queue.db",
    memory: "memory:",
  };
  for (const [name, broker] of Object.entries(brokers)) {
    bench.say(`idle, ${name}`);
    const idle: Idle[] = [];
    const waiting: Idle[] = [];
    for (let round = 0; round < rounds; round++) {
      waiting.push(await cost(bench, { broker, redis, seconds }, (index) => `consume: { queue: q${index} }`));
      idle.push(await cost(bench, { broker, redis, seconds }, () => ""));
    }
    const percent = (samples: readonly Idle[]) => samples.map((sample) => sample.percent);
    const what = `idle, ${consumers} consumers, ${name}`;
    figures.push(
      against(what, "% of a core", percent(idle), percent(waiting), "difference", { atMost: 0.5 }),
    );
    if (name !== "Redis") continue;
    const reads = waiting.map((sample) => sample.reads);
    figures.push(against("  times that Redis is asked something", "1/s", [], reads, "value"));
  }
  return figures;
}

async function cost(
  bench: Bench,
  { broker, redis, seconds }: { broker: string; redis: RedisServer | undefined; seconds: number },
  linesOf: (index: number) => string,
): Promise<Idle> {
  const services = Object.fromEntries(
    Array.from({ length: consumers }, (_, index) => [`consumer-${index}`, linesOf(index)]),
  );
  const product = await runProduct(bench, { broker, services });
  // What follows a start is over.
  await sleep(3_000);
  const before = { cpu: product.cpuMs(), reads: await readsOf(redis) };
  await sleep(seconds * 1000);
  const spent = product.cpuMs() - before.cpu;
  // One of them is ours.
  const reads = (await readsOf(redis)) - before.reads - 1;
  await product.stop();
  return { percent: spent / (seconds * 10), reads: reads / seconds };
}

/** How often Redis has read something from a connection. */
async function readsOf(redis: RedisServer | undefined): Promise<number> {
  const info = await redis?.client.info("stats");
  return Number(/total_reads_processed:(\d+)/.exec(info ?? "")?.[1] ?? 0);
}
