import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import { memoryOf } from "../memory.ts";
import type { Product } from "./product.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";

interface Lateness {
  readonly count: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const consume = "consume: { queue: default, concurrency: 10 }";

/** A million tasks that wait, and a million that become due within one minute (a tenth of both when it is to be quick). */
export async function backlog(bench: Bench, redis: RedisServer | undefined): Promise<Figure[]> {
  const many = bench.quick ? 100_000 : 1_000_000;
  const brokers = {
    ...(redis && { Redis: `redis://${redis.address}/0` }),
    SQLite: "sqlite:../queue.db",
  };
  const figures: Figure[] = [];
  for (const [name, broker] of Object.entries(brokers)) {
    bench.say(`${many.toLocaleString("en")} waiting, ${name}`);
    figures.push(...(await waiting(bench, name, broker, many)));
    await redis?.empty();
    bench.say(`${many.toLocaleString("en")} becoming due, ${name}`);
    figures.push(...(await delayed(bench, name, broker, many)));
    await redis?.empty();
  }
  return figures;
}

/** The first tasks out of few beside the first ones out of many, and the memory of whoever takes them. */
async function waiting(bench: Bench, name: string, broker: string, many: number): Promise<Figure[]> {
  const few = many / 10;
  const producer = await runProduct(bench, { broker, services: { producer: "" } });
  const fill = (count: number) => producer.ask("producer", `/all?count=${count}&bulk=500`);
  await fill(few);
  const small = await consumeAll(bench, broker, few);
  await fill(many);
  await producer.stop();
  const large = await consumeAll(bench, broker, many);
  const text = many.toLocaleString("en");
  return [
    against(
      `consumed, ${text} waiting beside a tenth, ${name}`,
      "msg/s",
      [small.rate],
      [large.rate],
      "ratio",
    ),
    against(`  most memory meanwhile`, "MB RSS", [small.megabytes], [large.megabytes], "difference", {
      atMost: 50,
    }),
  ];
}

/** Consumes `count` that wait: how many per second, and the most memory it had. */
async function consumeAll(bench: Bench, broker: string, count: number) {
  const product = await runProduct(bench, { broker, services: { consumer: consume } });
  const began = performance.now();
  const first = await counted(product);
  let megabytes = 0;
  for (;;) {
    megabytes = Math.max(megabytes, memoryOf(product.pid).rss / 1024);
    const { at, begun } = await counted(product);
    if (begun >= count) {
      await product.stop();
      return { rate: ((begun - first.begun) * 1000) / (at - Math.max(began, first.at)), megabytes };
    }
    await sleep(50);
  }
}

async function counted(product: Product): Promise<{ at: number; begun: number }> {
  const { begun } = await product.ask<{ begun: number }>("consumer", "/counted");
  return { at: performance.now(), begun };
}

async function delayed(bench: Bench, name: string, broker: string, many: number): Promise<Figure[]> {
  const within = (60_000 * many) / 1_000_000;
  const product = await runProduct(bench, { broker, services: { stopwatch: consume, producer: "" } });
  // Long enough for all to be enqueued before the first is due.
  const at = Date.now() + many / 5;
  await product.ask("producer", `/delayed?count=${many}&at=${at}&within=${within}`);
  const spareMs = at - Date.now();
  if (spareMs < 0) bench.say(`the last was enqueued ${-spareMs} ms after the first was due`);
  await sleep(Math.max(0, at - Date.now()));
  const before = product.cpuMs();
  let come = 0;
  while (come < many && Date.now() < at + within * 3) {
    await sleep(500);
    come = (await product.ask<{ count: number }>("stopwatch", "/count")).count;
  }
  const lateness = await product.ask<Lateness>("stopwatch", "/");
  const cpu = (product.cpuMs() - before) / within;
  await product.stop();
  if (lateness.count < many) throw new Error(`${many - lateness.count} delayed tasks did not come`);
  const what = `${many.toLocaleString("en")} due within ${within / 1000} s, ${name}`;
  return [
    against(`${what}, the slowest is late by`, "max ms", [], [lateness.maxMs], "value"),
    against("  of a hundred, ninety-nine are late by less than", "ms", [], [lateness.p99Ms], "value"),
    against("  processor time of the supervisor meanwhile", "% of a core", [], [cpu * 100], "value"),
  ];
}
