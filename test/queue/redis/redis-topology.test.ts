import { describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { systemClock } from "../../../src/core/clock.ts";
import type { Connection, Delivery, Driver, NewTask, Receiver } from "../../../src/queue/driver.ts";
import { openRedis } from "../../../src/queue/drivers/redis.ts";
import { freePort } from "../../support/free-port.ts";
import { newOwner, silent } from "../../support/queue-sites.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { lacksRedis, redisServer } from "../../support/redis-server.ts";
import { tempDir } from "../../support/temp-dir.ts";

const reason =
  lacksRedis ??
  (spawnSync("redis-cli", ["--version"]).status === 0 ? undefined : "redis-cli is not installed");
const skipped = reason ? ` (skipped: ${reason})` : "";

describe.skipIf(reason !== undefined)(`the Redis driver with several servers${skipped}`, () => {
  test("Sentinel: finds the master, and the new one when it dies; what was replicated is there", async () => {
    await using master = await redisServer();
    await using replica = await redisServer(["--replicaof", "127.0.0.1", String(master.port)]);
    await using sentinel = await startSentinel(master.port);
    const told: Connection[] = [];
    await using driver = disposable(open(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`, told));
    await driver.connect();
    await driver.enqueue([task("q", "a1")]);
    await waitFor(async () => /link_status:up/.test(await replica.ask("INFO", "replication")));
    await driver.enqueue([task("q", "a2")]);
    await waitFor(
      async () => Number(/:(\d+)/.exec(await replica.ask("LLEN", "asynq:{q}:pending"))?.[1]) === 2,
    );
    // The sentinel learns of replicas from the master, every ten seconds.
    await waitFor(async () => (await sentinel.ask("SENTINEL", "REPLICAS", "mymaster")).startsWith("*1"));
    await master.stop("SIGKILL");
    await waitFor(async () => {
      const outcome = await driver.enqueue([task("q", "a3")]).catch(() => undefined);
      return outcome !== undefined;
    });
    expect(told.map(({ tag }) => tag).slice(0, 2)).toEqual(["up", "down"]);
    expect(await replica.ask("ROLE")).toContain("master");
    expect(await receiveAll(consume(driver, ["q"]), 3)).toEqual(["a1", "a2", "a3"]);
  }, 30_000);

  test("Cluster: queues in several slots are enqueued, consumed by weight, settled, retried, held and inspected", async () => {
    await using cluster = await startCluster();
    const url = `redis+cluster://127.0.0.1:${cluster.ports[0]},127.0.0.1:${cluster.ports[1]}`;
    await using driver = disposable(open(url));
    await driver.connect();
    const queues = ["alpha", "beta", "gamma", "delta"];
    const unique = { key: "u", ttl: 60_000 };
    await driver.enqueue(queues.flatMap((queue) => [task(queue, `${queue}1`), task(queue, `${queue}2`)]));
    await driver.enqueue([{ ...task("beta", "beta3"), unique }]);
    expect(await driver.enqueue([{ ...task("beta", "beta4"), unique }])).toEqual([{ tag: "duplicate" }]);
    const receiver = consume(driver, queues);
    const got = await receiveDeliveries(receiver, 9);
    expect(got).toHaveLength(9);
    const [first, second, ...others] = got.toSorted((a, b) => a.id.localeCompare(b.id)) as [
      Delivery,
      Delivery,
    ];
    expect([first.id, second.id]).toEqual(["alpha1", "alpha2"]);
    const next = task("delta", "next");
    const settled = await receiver.settle([
      { tag: "retry", delivery: first, at: Date.now() + 300, error: "x", counts: true, blocks: "k" },
      { tag: "hold", delivery: second, key: "k" },
      ...others.map((delivery: Delivery, index: number) => ({
        tag: "ack" as const,
        delivery,
        ...(index === 0 ? { next } : {}),
      })),
    ]);
    expect(new Set(settled)).toEqual(new Set(["settled"]));
    expect([...(await receiver.blockedKeys())]).toEqual([["alpha\0k", "alpha1"]]);
    const again = await receiveDeliveries(receiver, 2);
    expect(again.map(({ id }) => id).sort()).toEqual(["alpha1", "next"]);
    await receiver.settle(again.map((delivery) => ({ tag: "ack", delivery })));
    const [freed] = await receiveDeliveries(receiver, 1);
    expect(freed?.id).toBe("alpha2");
    await receiver.settle([{ tag: "ack", delivery: freed as Delivery }]);
    const found = await driver.inspector.queues();
    expect(found.map(({ queue }) => queue)).toEqual([...queues].sort());
    expect((await driver.inspector.servers())[0]?.pid).toBe(process.pid);
    expect(await driver.schedules.claim("s", { at: 1_000, outcome: "running", owner: "x" })).toBe(true);
    expect((await driver.schedules.history("s", 5)).length).toBe(1);
    await receiver.close();
    // A receive() that waits hears of a task in whatever slot.
    const waiting = consume(driver, queues).receive(1, AbortSignal.timeout(3_000));
    await Bun.sleep(200);
    await driver.enqueue([task("gamma", "woken")]);
    const began = performance.now();
    expect((await waiting).map(({ id }) => id)).toEqual(["woken"]);
    expect(performance.now() - began).toBeLessThan(500);
  }, 30_000);

  test("Cluster: a next step in another slot is there once however often it is tried; another task with its id is told apart", async () => {
    await using cluster = await startCluster();
    const url = `redis+cluster://127.0.0.1:${cluster.ports[0]},127.0.0.1:${cluster.ports[1]}`;
    await using driver = disposable(open(url));
    await driver.connect();
    const mine = { ...task("delta", "c:2"), headers: { run: "mine" }, runAt: Date.now() + 60_000 };
    const others = { ...mine, headers: { run: "other" } };
    const receiver = consume(driver, ["alpha"]);
    await driver.enqueue([task("alpha", "a1"), task("alpha", "a2")]);
    const [a1, a2] = (await receiveDeliveries(receiver, 2)) as [Delivery, Delivery];
    // As an earlier try has left it, whose task was not settled.
    await driver.enqueue([mine]);
    expect(await receiver.settle([{ tag: "ack", delivery: a1, next: mine }])).toEqual(["settled"]);
    expect(await receiver.settle([{ tag: "ack", delivery: a2, next: others }])).toEqual(["archived"]);
    expect((await driver.inspector.task("alpha", "a2"))?.lastError).toContain(
      'another task with the id "c:2"',
    );
    expect(await driver.inspector.task("alpha", "a1")).toBeUndefined();
    await receiver.close();
  }, 30_000);
});

function open(url: string, told: Connection[] = []): Driver {
  return openRedis({
    name: "main",
    url,
    clock: systemClock,
    random: Math.random,
    log: silent,
    owner: newOwner(),
    onConnection: (change) => told.push(change),
  });
}

function disposable(driver: Driver): Driver & AsyncDisposable {
  return { ...driver, [Symbol.asyncDispose]: () => driver.close() };
}

function consume(driver: Driver, queues: readonly string[]): Receiver {
  return driver.subscribe({
    consumer: "topology",
    queues: queues.map((queue) => ({ queue, weight: 1 })),
    strict: false,
    lease: 30_000,
    concurrency: 10,
    onCancel: () => {},
  });
}

function task(queue: string, id: string): NewTask {
  return { id, queue, type: "t", payload: "{}", maxRetry: 25, timeout: 0, deadline: 0, retention: 0 };
}

async function receiveDeliveries(receiver: Receiver, many: number): Promise<Delivery[]> {
  const all: Delivery[] = [];
  const over = AbortSignal.timeout(5_000);
  while (all.length < many && !over.aborted) all.push(...(await receiver.receive(many - all.length, over)));
  return all;
}

async function receiveAll(receiver: Receiver, many: number): Promise<string[]> {
  return (await receiveDeliveries(receiver, many)).map(({ id }) => id);
}

async function startSentinel(
  master: number,
): Promise<{ port: number; ask: RedisServer["ask"] } & AsyncDisposable> {
  const port = await freePort();
  const dir = tempDir();
  const file = dir.write(
    "sentinel.conf",
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${dir.path}`,
      `sentinel monitor mymaster 127.0.0.1 ${master} 1`,
      "sentinel down-after-milliseconds mymaster 400",
      "sentinel failover-timeout mymaster 2000",
    ].join("\n"),
  );
  const child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
  const cli = (...command: readonly string[]) =>
    Promise.resolve(
      spawnSync("redis-cli", ["-p", String(port), "--no-raw", ...command], { encoding: "utf8" }).stdout,
    );
  await waitFor(async () => (await cli("PING")).includes("PONG"));
  return {
    port,
    ask: async (...command) => ((await cli(...command)).includes("ip") ? "*1" : "*0"),
    async [Symbol.asyncDispose]() {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
      dir[Symbol.dispose]();
    },
  };
}

/** Three masters with all slots. */
async function startCluster(): Promise<{ ports: readonly number[] } & AsyncDisposable> {
  const servers: RedisServer[] = [];
  for (let count = 0; count < 3; count++) {
    servers.push(await redisServer(["--cluster-enabled", "yes", "--cluster-port", String(await freePort())]));
  }
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync("redis-cli", ["--cluster", "create", ...addresses, "--cluster-yes"], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`no cluster: ${made.stdout}${made.stderr}`);
  await waitFor(async () =>
    /cluster_state:ok/.test(await (servers[2] as RedisServer).ask("CLUSTER", "INFO")),
  );
  return {
    ports: servers.map(({ port }) => port),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await Bun.sleep(50)) {
    if (await holds()) return;
  }
  throw new Error("it did not become true within twenty seconds");
}
