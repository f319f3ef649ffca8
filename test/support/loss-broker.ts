import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { TaskState } from "../../src/core/task.ts";
import type { Driver, NewTask } from "../../src/queue/driver.ts";
import { openRedis } from "../../src/queue/drivers/redis.ts";
import { openSqlite } from "../../src/queue/drivers/sqlite.ts";
import { task } from "../contract/queue-site.ts";
import { newOwner, silent } from "./queue-sites.ts";
import type { RedisServer } from "./redis-server.ts";
import { lacksRedis, redisServer } from "./redis-server.ts";
import { tempDir } from "./temp-dir.ts";

export type BrokerKind = "sqlite" | "redis";

export const brokerKinds: readonly { readonly kind: BrokerKind; readonly lacks?: string }[] = [
  { kind: "sqlite" },
  { kind: "redis", ...(lacksRedis === undefined ? {} : { lacks: lacksRedis }) },
];

/** A broker of one round, and a driver on it that consumes nothing: it enqueues, and sees what there is. */
export interface LossBroker extends AsyncDisposable {
  readonly url: string;
  /** Of Redis. */
  readonly server?: RedisServer;
  enqueue(tasks: readonly NewTask[]): Promise<void>;
  count(...states: TaskState[]): Promise<number>;
  /** Nothing of it is waiting or worked on. */
  isEmpty(): Promise<boolean>;
  /** What somebody has claimed and not settled. */
  unsettled(): Promise<Set<string>>;
  /** What it has of the first and the last of these, for who wonders where they are: nothing, or one that it has in no list. */
  tell(ids: readonly string[]): Promise<string>;
}

/** The queue that services of these tests consume. */
export const lossQueue = "numbers";

/**
 * What is written to Redis is on the disk before it answers: it may be killed, too. Its password keeps out whoever else
 * runs these tests here: while one server is away, its port may become another's.
 */
export async function lossBroker(kind: BrokerKind): Promise<LossBroker> {
  const folder = tempDir();
  const password = crypto.randomUUID();
  const args = ["--appendfsync", "always", "--requirepass", password];
  const server = kind === "redis" ? await redisServer(args) : undefined;
  const url = server
    ? `redis://:${password}@127.0.0.1:${server.port}/0`
    : `sqlite:${join(folder.path, "queue.db")}`;
  const driver = await openDriver(kind, url);
  const count = async (...states: TaskState[]) => {
    const queue = (await driver.inspector.queues()).find((one) => one.queue === lossQueue);
    return states.reduce((sum, state) => sum + (queue?.counts[state] ?? 0), 0);
  };
  return {
    url,
    ...(server ? { server } : {}),
    async enqueue(tasks) {
      for (let from = 0; from < tasks.length; from += 500)
        await driver.enqueue(tasks.slice(from, from + 500));
    },
    count,
    isEmpty: async () => (await count("pending", "active", "retry", "scheduled")) === 0,
    async unsettled() {
      const ids = new Set<string>();
      let after: string | undefined;
      do {
        const at = { limit: 1_000, ...(after === undefined ? {} : { after }) };
        const page = await driver.inspector.tasks(lossQueue, { state: "active" }, at);
        for (const { id } of page.tasks) ids.add(id);
        after = page.next;
      } while (after !== undefined);
      return ids;
    },
    async tell(ids) {
      const ends = [...new Set([ids[0], ids.at(-1)])].filter((id) => id !== undefined);
      const tasks = ends.map(async (id) => [id, (await driver.inspector.task(lossQueue, id)) ?? "unknown"]);
      const queues = await driver.inspector.queues();
      return `${ids.length}: ${JSON.stringify({ tasks: await Promise.all(tasks), queues })}`;
    },
    async [Symbol.asyncDispose]() {
      await driver.close();
      await server?.[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** `n0`, `n1`, …: their payload is the number. */
export function numbered(many: number, over: (n: number) => Partial<NewTask> = () => ({})): NewTask[] {
  return Array.from({ length: many }, (_, n) =>
    task({ id: `n${n}`, queue: lossQueue, type: "number", payload: JSON.stringify({ n }), ...over(n) }),
  );
}

async function openDriver(kind: BrokerKind, url: string): Promise<Driver> {
  const open = kind === "redis" ? openRedis : openSqlite;
  const driver = open({
    name: "main",
    url,
    clock: systemClock,
    random: Math.random,
    log: silent,
    owner: newOwner(),
    onConnection: () => {},
  });
  await driver.connect();
  return driver;
}
