import type { Figure } from "../figure.ts";
import { against } from "../figure.ts";
import type { Bench } from "../measure.ts";
import type { Peer, Peers } from "./peers.ts";
import { timedBy } from "./peers.ts";
import type { Product } from "./product.ts";
import { runProduct } from "./product.ts";
import type { RedisServer } from "./redis-server.ts";
import { inTurns } from "./rounds.ts";

const bulkSize = 500;
/** What a caller enqueues who has many: in one list, of which the driver makes several calls. */
const longList = 5_000;
const inBulk = { atLeast: 200_000 };

/** Tasks enqueued per second: in flight at the same time, and in lists. */
export async function enqueued(
  bench: Bench,
  redis: RedisServer | undefined,
  peers: Peers,
): Promise<Figure[]> {
  const rounds = bench.quick ? 3 : 7;
  const fast = bench.quick ? 40_000 : 100_000;
  const slow = bench.quick ? 10_000 : 20_000;
  const figures: Figure[] = [];
  const none = async () => Number.NaN;

  const own = async (product: Product, count: number, how: string) => {
    await redis?.empty();
    await product.ask("producer", `/all?count=${count / 10}&${how}`);
    const { tookMs } = await product.ask<{ tookMs: number }>("producer", `/all?count=${count}&${how}`);
    return (count * 1000) / tookMs;
  };
  const other = (peer: Peer | undefined, verb: string, count: number, size: number) => async () => {
    if (!redis || !peer) return none();
    await redis.empty();
    return (count * 1000) / (await timedBy(peer, redis.address, verb, [count, size]));
  };
  const beside = (name: string, theirs: readonly number[], ours: readonly number[]): Figure[] =>
    theirs.every(Number.isNaN) ? [] : [against(`  beside ${name}`, "tasks/s", theirs, ours, "ratio")];

  if (redis) {
    const product = await runProduct(bench, {
      broker: `redis://${redis.address}/0`,
      services: { producer: "" },
    });
    for (const inFlight of [10, 200]) {
      bench.say(`enqueued to Redis, ${inFlight} in flight`);
      const { ours, raw, asynq, bullmq } = await inTurns(rounds, {
        ours: () => own(product, fast, `inFlight=${inFlight}`),
        raw: other(peers.raw, "enqueue", fast, inFlight),
        asynq: other(peers.asynq, "enqueue", fast, inFlight),
        bullmq: other(peers.bullmq, "enqueue", slow, inFlight),
      });
      figures.push(
        against(`enqueued to Redis, ${inFlight} in flight`, "tasks/s", [], ours, "value", aimOf(inFlight)),
        ...beside("ioredis and Lua", raw, ours),
        ...beside("asynq", asynq, ours),
        ...beside("BullMQ", bullmq, ours),
      );
    }
    bench.say("enqueued to Redis in bulk");
    const { ours, several, long, raw, bullmq } = await inTurns(rounds, {
      ours: () => own(product, fast * 2, `bulk=${bulkSize}`),
      long: () => own(product, fast * 2, `bulk=${longList}`),
      several: () => own(product, fast * 2, `bulk=${bulkSize}&callers=4`),
      raw: other(peers.raw, "bulk", fast * 2, bulkSize),
      bullmq: other(peers.bullmq, "bulk", slow, bulkSize),
    });
    figures.push(
      against(`enqueued to Redis, lists of ${bulkSize}`, "tasks/s", [], ours, "value", inBulk),
      ...beside("ioredis and Lua", raw, ours),
      ...beside("BullMQ", bullmq, ours),
      against(`enqueued to Redis, 4 lists of ${bulkSize} at a time`, "tasks/s", [], several, "value", inBulk),
      against(`enqueued to Redis, lists of ${longList}`, "tasks/s", [], long, "value", inBulk),
    );
    await product.stop();
  }
  bench.say("enqueued to SQLite and memory");
  for (const [name, broker] of Object.entries({ "SQLite (FULL)": "sqlite:./queue.db", memory: "memory:" })) {
    const fresh = (how: string) => async () => {
      const product = await runProduct(bench, { broker, services: { producer: "" } });
      const rate = await own(product, fast, how);
      await product.stop();
      return rate;
    };
    const { ten, many, lists, several, long } = await inTurns(rounds, {
      ten: fresh("inFlight=10"),
      many: fresh("inFlight=200"),
      lists: fresh(`bulk=${bulkSize}`),
      several: fresh(`bulk=${bulkSize}&callers=4`),
      long: fresh(`bulk=${longList}`),
    });
    figures.push(
      against(`enqueued to ${name}, 10 in flight`, "tasks/s", [], ten, "value"),
      against(`enqueued to ${name}, 200 in flight`, "tasks/s", [], many, "value", aimOf(200)),
      against(`enqueued to ${name}, lists of ${bulkSize}`, "tasks/s", [], lists, "value", inBulk),
      against(
        `enqueued to ${name}, 4 lists of ${bulkSize} at a time`,
        "tasks/s",
        [],
        several,
        "value",
        inBulk,
      ),
      against(`enqueued to ${name}, lists of ${longList}`, "tasks/s", [], long, "value", inBulk),
    );
  }
  return figures;
}

/** With few in flight the round trip decides. */
function aimOf(inFlight: number): { atLeast: number } | undefined {
  return inFlight >= 100 ? { atLeast: 50_000 } : undefined;
}
