/*
 * What the client alone can do: ioredis and scripts that keep a list and a hash, no states, statistics or recovery.
 *
 *     bun raw.ts loop PORT CONCURRENCY          each takes one message, deletes it, takes the next; until SIGTERM
 *     bun raw.ts batched PORT BATCH             takes many at once and deletes them at once; until SIGTERM
 *     bun raw.ts enqueue PORT COUNT IN_FLIGHT   prints the milliseconds it took
 *     bun raw.ts bulk PORT COUNT SIZE           the same, with many in one call
 */
import { createHash } from "node:crypto";
import { Redis } from "ioredis";

const [verb, port, ...rest] = process.argv.slice(2) as [string, string, ...string[]];
const numbers = rest.map(Number) as [number, number];
const redis = new Redis({ port: Number(port) });
const payload = JSON.stringify({ n: 1, at: 1.001, text: "x".repeat(170) });
let last = 0;

const claim = script(`
local ids = redis.call('RPOP', 'raw:pending', ARGV[1])
if not ids then return {} end
redis.call('LPUSH', 'raw:active', unpack(ids))
local payloads = redis.call('HMGET', 'raw:payloads', unpack(ids))
return { ids, payloads }`);
const ack = script(`
redis.call('LTRIM', 'raw:active', 0, -1 - #ARGV)
return redis.call('HDEL', 'raw:payloads', unpack(ARGV))`);
const add = script(`
redis.call('HSET', 'raw:payloads', unpack(ARGV))
local ids = {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
return redis.call('LPUSH', 'raw:pending', unpack(ids))`);

const verbs: Record<string, () => Promise<unknown>> = {
  loop: () => Promise.all(Array.from({ length: numbers[0] }, takeOneByOne)),
  batched: takeMany,
  enqueue: () => timed(singly),
  bulk: () => timed(inBulk),
};
await verbs[verb]?.();
process.exit(0);

async function takeOneByOne(): Promise<void> {
  for (;;) {
    const id = await redis.rpoplpush("raw:pending", "raw:active");
    if (id === null) await Bun.sleep(5);
    else {
      await redis.hget("raw:payloads", id);
      await redis.multi().lrem("raw:active", -1, id).hdel("raw:payloads", id).exec();
    }
  }
}

/** The next claim is under way while this one is deleted. */
async function takeMany(): Promise<void> {
  for (let next = claim(numbers[0]); ; ) {
    const [ids] = (await next) as [string[]?];
    if (!ids) await Bun.sleep(5);
    next = claim(numbers[0]);
    if (ids) await ack(...ids);
  }
}

async function timed(enqueue: (count: number, size: number) => Promise<void>): Promise<void> {
  const [count, size] = numbers;
  await enqueue(count / 10, size);
  const began = performance.now();
  await enqueue(count, size);
  console.log(performance.now() - began);
}

async function singly(count: number, inFlight: number): Promise<void> {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await add(++last, payload);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

async function inBulk(count: number, size: number): Promise<void> {
  for (let done = 0; done < count; done += size) {
    await add(...Array.from({ length: size }, () => [++last, payload]).flat());
  }
}

function script(text: string): (...args: (string | number)[]) => Promise<unknown> {
  const sha = createHash("sha1").update(text).digest("hex");
  let loaded: Promise<unknown> | undefined;
  return async (...args) => {
    loaded ??= redis.script("LOAD", text);
    await loaded;
    return redis.evalsha(sha, 0, ...args);
  };
}
