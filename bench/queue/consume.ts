import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import type { Peer, Peers } from "./peers.ts";
import { startPeer, stopPeer, timedBy } from "./peers.ts";
import type { Product } from "./product.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";
import { inTurns } from "./rounds.ts";

const bulk = 500;

/** Messages consumed and acknowledged per second through Redis, out of a queue that was filled before. */
export async function consumedFromRedis(bench: Bench, redis: RedisServer, peers: Peers): Promise<Figure[]> {
  const rounds = bench.quick ? 3 : 7;
  const fast = bench.quick ? 60_000 : 200_000;
  const slow = bench.quick ? 6_000 : 20_000;
  const broker = `redis://${redis.address}/0`;
  const producer = await runProduct(bench, { broker, services: { producer: "" } });
  const figures: Figure[] = [];

  async function ours(concurrency: number): Promise<number> {
    await fill(producer, fast);
    const services = { consumer: `consume: { queue: default, concurrency: ${concurrency} }` };
    const started = runProduct(bench, { broker, services });
    const rate = await drained(redis, asynqLists, fast);
    await (await started).stop();
    return rate;
  }

  async function asynq(peer: Peer, concurrency: number): Promise<number> {
    await fill(producer, slow);
    return peerDrains(peer, "consume", concurrency, asynqLists, slow);
  }

  async function bullmq(peer: Peer, concurrency: number): Promise<number> {
    await redis.empty();
    await timedBy(peer, redis.address, "bulk", [slow, bulk]);
    return peerDrains(peer, "consume", concurrency, ["bull:bench:wait", "bull:bench:active"], slow);
  }

  async function raw(verb: "loop" | "batched", number: number): Promise<number> {
    const count = verb === "loop" ? slow : fast;
    await redis.empty();
    await timedBy(peers.raw, redis.address, "bulk", [count, bulk]);
    return peerDrains(peers.raw, verb, number, ["raw:pending", "raw:active"], count);
  }

  async function peerDrains(peer: Peer, verb: string, number: number, lists: string[], count: number) {
    const child = startPeer(peer, redis.address, verb, number);
    const rate = await drained(redis, lists, count);
    await stopPeer(child);
    return rate;
  }

  async function fill(from: Product, count: number): Promise<void> {
    await redis.empty();
    await from.ask("producer", `/all?count=${count}&bulk=${bulk}`);
  }

  for (const concurrency of [10, 100]) {
    bench.say(`consumed from Redis, concurrency ${concurrency}`);
    const none = async () => Number.NaN;
    const samples = await inTurns(rounds, {
      ours: () => ours(concurrency),
      batched: () => raw("batched", 100),
      loop: () => raw("loop", concurrency),
      asynq: peers.asynq ? asynq.bind(undefined, peers.asynq, concurrency) : none,
      bullmq: peers.bullmq ? bullmq.bind(undefined, peers.bullmq, concurrency) : none,
    });
    const what = `consumed from Redis, concurrency ${concurrency}`;
    figures.push(
      against(what, "msg/s", [], samples.ours, "value", { atLeast: 100_000 }),
      against("  beside ioredis and Lua, 100 at once", "msg/s", samples.batched, samples.ours, "ratio"),
      against("  beside ioredis, one by one", "msg/s", samples.loop, samples.ours, "ratio"),
      ...(peers.asynq ? [against("  beside asynq", "msg/s", samples.asynq, samples.ours, "ratio")] : []),
      ...(peers.bullmq ? [against("  beside BullMQ", "msg/s", samples.bullmq, samples.ours, "ratio")] : []),
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

/**
 * Messages per second from when a tenth of `count` is gone (whoever consumes is warm then) until the last one is
 * acknowledged, as Redis sees it: the same ruler for everybody.
 */
async function drained({ client }: RedisServer, lists: readonly string[], count: number): Promise<number> {
  let began: { at: number; left: number } | undefined;
  for (const giveUpAt = performance.now() + 120_000; performance.now() < giveUpAt; await sleep(5)) {
    const lengths = await Promise.all(lists.map((list) => client.llen(list)));
    const left = lengths.reduce((sum, length) => sum + length, 0);
    if (!began && left <= count * 0.9) began = { at: performance.now(), left };
    if (began && left === 0) return (began.left * 1000) / (performance.now() - began.at);
  }
  throw new Error(`${lists[0]} was not empty after two minutes`);
}
