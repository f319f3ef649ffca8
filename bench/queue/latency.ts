import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";

interface Lateness {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const consume = "consume: { queue: default, concurrency: 10 }";

/** From before `enqueue` until the handler begins, a hundred times a second: nobody is warm, and everybody waits. */
export async function startLatency(bench: Bench, redis: RedisServer | undefined): Promise<Figure[]> {
  const rounds = bench.quick ? 2 : 5;
  const count = bench.quick ? 300 : 1_000;
  const brokers = {
    "SQLite (FULL), same process": { broker: "sqlite:./queue.db", aim: 10, isApart: false },
    "memory, same process": { broker: "memory:", aim: 10, isApart: false },
    ...(redis && {
      "Redis, same process": { broker: `redis://${redis.address}/0`, aim: 50, isApart: false },
      "Redis, another process": { broker: `redis://${redis.address}/0`, aim: 50, isApart: true },
    }),
  };
  const figures: Figure[] = [];
  for (const [name, { broker, aim, isApart }] of Object.entries(brokers)) {
    bench.say(`enqueue → handler, ${name}`);
    const samples: Lateness[] = [];
    for (let round = 0; round < rounds; round++) {
      await redis?.empty();
      const consumer = await runProduct(bench, {
        broker,
        services: { stopwatch: consume, ...(isApart ? {} : { producer: "" }) },
      });
      const producer = isApart ? await runProduct(bench, { broker, services: { producer: "" } }) : consumer;
      await producer.ask("producer", "/steadily?count=50&every=10");
      await consumer.ask("stopwatch", "/");
      await producer.ask("producer", `/steadily?count=${count}&every=10`);
      await Bun.sleep(500);
      const lateness = await consumer.ask<Lateness>("stopwatch", "/");
      if (lateness.count < count)
        throw new Error(`${count - lateness.count} messages were not there in time`);
      samples.push(lateness);
      if (isApart) await producer.stop();
      await consumer.stop();
    }
    const of = (key: keyof Lateness) => samples.map((sample) => sample[key]);
    figures.push(
      against(`enqueue → handler, ${name}`, "p50 ms", [], of("p50Ms"), "value"),
      against(`enqueue → handler, ${name}`, "p99 ms", [], of("p99Ms"), "value", { atMost: aim }),
    );
  }
  return figures;
}
