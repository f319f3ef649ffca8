import { setTimeout as sleep } from "node:timers/promises";
import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";

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
    const [idle, waiting, commands]: number[][] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const before = await commandsOf(redis);
      waiting?.push(await percentOfCore(bench, broker, seconds, (index) => `consume: { queue: q${index} }`));
      commands?.push(((await commandsOf(redis)) - before) / seconds);
      idle?.push(await percentOfCore(bench, broker, seconds, () => ""));
    }
    figures.push(
      against(
        `idle, ${consumers} consumers, ${name}`,
        "% of a core",
        idle ?? [],
        waiting ?? [],
        "difference",
        {
          atMost: 0.5,
        },
      ),
    );
    if (name === "Redis") {
      figures.push(
        against("  commands to Redis, whole life of the process", "1/s", [], commands ?? [], "value"),
      );
    }
  }
  return figures;
}

async function percentOfCore(
  bench: Bench,
  broker: string,
  seconds: number,
  linesOf: (index: number) => string,
): Promise<number> {
  const services = Object.fromEntries(
    Array.from({ length: consumers }, (_, index) => [`consumer-${index}`, linesOf(index)]),
  );
  const product = await runProduct(bench, { broker, services });
  // What follows a start is over.
  await sleep(3_000);
  const before = product.cpuMs();
  await sleep(seconds * 1000);
  const spent = product.cpuMs() - before;
  await product.stop();
  return spent / (seconds * 10);
}

async function commandsOf(redis: RedisServer | undefined): Promise<number> {
  const info = await redis?.client.info("stats");
  return Number(/total_commands_processed:(\d+)/.exec(info ?? "")?.[1] ?? 0);
}
