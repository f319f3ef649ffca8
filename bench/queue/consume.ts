import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import type { Peer, Peers } from "./peers.ts";
import { startPeer, stopPeer, timedBy } from "./peers.ts";
import type { Product } from "./product.ts";
import { cpuMsOf, runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";
import { inTurns } from "./rounds.ts";

interface Drained {
  /** Messages per second. */
  readonly rate: number;
  /** Processor time for each message, in microseconds: it says more than the rate while others use the machine. */
  readonly consumerUs: number;
  readonly redisUs: number;
}

const bulk = 500;

/** Messages consumed and acknowledged per second through Redis, out of a queue that was filled before. */
export async function consumedFromRedis(bench: Bench, redis: RedisServer, peers: Peers): Promise<Figure[]> {
  const rounds = bench.quick ? 3 : 7;
  const fast = bench.quick ? 60_000 : 200_000;
  const slow = bench.quick ? 6_000 : 20_000;
  const broker = `redis://${redis.address}/0`;
  const producer = await runProduct(bench, { broker, services: { producer: "" } });
  const figures: Figure[] = [];

  async function ours(concurrency: number): Promise<Drained> {
    await fill(producer, fast);
    // Not before it runs, so that it can be looked at from its first message on.
    await pause(redis, true);
    const services = { consumer: `consume: { queue: default, concurrency: ${concurrency} }` };
    const consumer = await runProduct(bench, { broker, services });
    const drain = drained(redis, asynqLists, { count: fast, pid: consumer.pid });
    await pause(redis, false);
    const sample = await drain;
    await consumer.stop();
    return sample;
  }

  async function asynq(peer: Peer, concurrency: number): Promise<Drained> {
    await fill(producer, slow);
    return peerDrains(peer, "consume", concurrency, asynqLists, slow);
  }

  async function bullmq(peer: Peer, concurrency: number): Promise<Drained> {
    await redis.empty();
    await timedBy(peer, redis.address, "bulk", [slow, bulk]);
    return peerDrains(peer, "consume", concurrency, ["bull:bench:wait", "bull:bench:active"], slow);
  }

  async function raw(verb: "loop" | "batched", number: number): Promise<Drained> {
    const count = verb === "loop" ? slow : fast;
    await redis.empty();
    await timedBy(peers.raw, redis.address, "bulk", [count, bulk]);
    return peerDrains(peers.raw, verb, number, ["raw:pending", "raw:active"], count);
  }

  async function peerDrains(peer: Peer, verb: string, number: number, lists: string[], count: number) {
    const child = startPeer(peer, redis.address, verb, number);
    const sample = await drained(redis, lists, { count, pid: child.pid as number });
    await stopPeer(child);
    return sample;
  }

  async function fill(from: Product, count: number): Promise<void> {
    await redis.empty();
    await from.ask("producer", `/all?count=${count}&bulk=${bulk}`);
  }

  for (const concurrency of [10, 100]) {
    bench.say(`consumed from Redis, concurrency ${concurrency}`);
    const none = async (): Promise<Drained> => ({ rate: NaN, consumerUs: NaN, redisUs: NaN });
    const samples = await inTurns(rounds, {
      ours: () => ours(concurrency),
      batched: () => raw("batched", 100),
      loop: () => raw("loop", concurrency),
      asynq: peers.asynq ? asynq.bind(undefined, peers.asynq, concurrency) : none,
      bullmq: peers.bullmq ? bullmq.bind(undefined, peers.bullmq, concurrency) : none,
    });
    const what = `consumed from Redis, concurrency ${concurrency}`;
    const others = {
      "ioredis and Lua, 100 at once": samples.batched,
      "ioredis, one by one": samples.loop,
      ...(peers.asynq && { asynq: samples.asynq }),
      ...(peers.bullmq && { BullMQ: samples.bullmq }),
    };
    const of = (key: keyof Drained, drains: readonly Drained[]) => drains.map((drain) => drain[key]);
    figures.push(
      against(what, "msg/s", [], of("rate", samples.ours), "value", { atLeast: 100_000 }),
      ...Object.entries(others).flatMap(([name, theirs]) => [
        against(`  beside ${name}`, "msg/s", of("rate", theirs), of("rate", samples.ours), "ratio"),
        against(
          "    processor time of the consumer",
          "µs each",
          of("consumerUs", theirs),
          of("consumerUs", samples.ours),
          "ratio",
        ),
        against(
          "    processor time of Redis",
          "µs each",
          of("redisUs", theirs),
          of("redisUs", samples.ours),
          "ratio",
        ),
      ]),
    );
  }
  await producer.stop();
  return figures;
}

/** The same in process: the producer is a service of the same file, and the messages are in its broker before. */
export async function consumedInProcess(bench: Bench): Promise<Figure[]> {
  const count = bench.quick ? 60_000 : 200_000;
  const figures: Figure[] = [];
  for (const concurrency of [10, 100]) {
    bench.say(`consumed from SQLite and memory, concurrency ${concurrency}`);
    const samples = await inTurns(bench.quick ? 3 : 7, {
      sqlite: () => fromEmbedded(bench, "sqlite:./queue.db", concurrency, count),
      memory: () => fromEmbedded(bench, "memory:", concurrency, count),
    });
    figures.push(
      against(
        `consumed from SQLite (FULL), concurrency ${concurrency}`,
        "msg/s",
        [],
        samples.sqlite,
        "value",
        {
          atLeast: 60_000,
        },
      ),
      against(`consumed from memory, concurrency ${concurrency}`, "msg/s", [], samples.memory, "value"),
    );
  }
  return figures;
}

async function fromEmbedded(
  bench: Bench,
  broker: string,
  concurrency: number,
  count: number,
): Promise<number> {
  const consume = `consume: { queue: default, concurrency: ${concurrency} }`;
  const product = await runProduct(bench, { broker, services: { consumer: consume, producer: "" } });
  await product.ask("consumer", `/expect?count=${count}`);
  await product.ask("producer", `/all?count=${count}&bulk=${bulk}`);
  await product.ask("consumer", "/go");
  for (;;) {
    const { tenthAt, endAt } = await product.ask<{ tenthAt: number; endAt: number }>("consumer", "/counted");
    if (endAt > 0) {
      await product.stop();
      return (count * 0.9 * 1000) / (endAt - tenthAt);
    }
    await sleep(100);
  }
}

const asynqLists = ["asynq:{default}:pending", "asynq:{default}:active"];

/** As asynq's tools do it. */
async function pause({ client }: RedisServer, isPaused: boolean): Promise<void> {
  if (isPaused) await client.set("asynq:{default}:paused", Math.floor(Date.now() / 1000));
  else await client.del("asynq:{default}:paused");
}

/**
 * From when a tenth of `count` is gone (whoever consumes is warm then) until the last one is acknowledged, as Redis sees
 * it: the same ruler for everybody.
 */
async function drained(
  { client, pid: server }: RedisServer,
  lists: readonly string[],
  { count, pid }: { count: number; pid: number },
): Promise<Drained> {
  let began: { at: number; left: number; consumer: number; redis: number } | undefined;
  for (const giveUpAt = performance.now() + 120_000; performance.now() < giveUpAt; await sleep(5)) {
    const lengths = await Promise.all(lists.map((list) => client.llen(list)));
    const left = lengths.reduce((sum, length) => sum + length, 0);
    const at = performance.now();
    if (!began && left <= count * 0.9) began = { at, left, consumer: cpuMsOf(pid), redis: cpuMsOf(server) };
    if (!began || left > 0) continue;
    const each = (ms: number) => (ms * 1000) / (began as { left: number }).left;
    return {
      rate: (began.left * 1000) / (at - began.at),
      consumerUs: each(cpuMsOf(pid) - began.consumer),
      redisUs: each(cpuMsOf(server) - began.redis),
    };
  }
  throw new Error(`${lists[0]} was not empty after two minutes`);
}
