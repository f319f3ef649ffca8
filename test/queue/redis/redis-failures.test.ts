import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import { systemClock } from "../../../src/core/clock.ts";
import type {
  Connection,
  Delivery,
  Driver,
  NewTask,
  Receiver,
  Settlement,
} from "../../../src/queue/driver.ts";
import { openRedis } from "../../../src/queue/drivers/redis.ts";
import { newOwner, silent } from "../../support/queue-sites.ts";
import { lacksRedis, redisServer } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";

const skipped = lacksRedis ? ` (skipped: ${lacksRedis})` : "";
const certificates = join(import.meta.dir, "../../support/tls");

describe.skipIf(lacksRedis !== undefined)(`the Redis driver, when something is wrong${skipped}`, () => {
  const opened: Driver[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((driver) => driver.close()));
  });

  function open(url: string, told: Connection[] = [], warnings: string[] = []): Driver {
    const driver = openRedis({
      name: "main",
      url,
      clock: systemClock,
      random: Math.random,
      log: {
        ...silent,
        warn: (message) => warnings.push(message),
        error: (message) => warnings.push(message),
      },
      owner: newOwner(),
      onConnection: (change) => told.push(change),
    });
    opened.push(driver);
    return driver;
  }

  test("a wrong password is refused for good, and is in no message", async () => {
    await using server = await redisServer(["--requirepass", "right"]);
    const told: Connection[] = [];
    const refusal = await open(`redis://:secret-wrong@127.0.0.1:${server.port}`, told)
      .connect()
      .catch((error: Error) => error);
    expect(refusal).toMatchObject({ code: "BROKER_REFUSED" });
    expect(inspect(refusal, { depth: 9 })).not.toContain("secret-wrong");
    expect(told.map(({ tag }) => tag)).toEqual(["down"]);
    await expect(open(server.url).connect()).rejects.toMatchObject({ code: "BROKER_REFUSED" });
    await open(`redis://:right@127.0.0.1:${server.port}/3`).connect();
  });

  test("a wrong password is called so with every database", async () => {
    await using server = await redisServer(["--requirepass", "right"]);
    for (const place of ["", "/3"]) {
      const refused = open(`redis://:wrong@127.0.0.1:${server.port}${place}`).connect();
      await expect(refused).rejects.toMatchObject({ message: expect.stringContaining("WRONGPASS") });
    }
  });

  test("a user that is disabled later is told as the reason, once, and is connected when it may again", async () => {
    await using server = await redisServer();
    await server.ask("ACL", "SETUSER", "app", "on", ">pass", "~*", "&*", "+@all");
    const told: Connection[] = [];
    const driver = open(`redis://app:pass@127.0.0.1:${server.port}/3`, told);
    await driver.connect();
    await server.ask("ACL", "SETUSER", "app", "off");
    await server.ask("CLIENT", "KILL", "USER", "app");
    const reasons = async () => told.map((change) => (change.tag === "down" ? change.error.message : "up"));
    await until(reasons, (all) => all.length === 3);
    const refusal = await driver.enqueue([task("a1")]).catch((error: Error) => error);
    const [, lost, disabled, ...others] = await reasons();
    expect(lost).toContain("the connection was lost");
    expect(disabled).toContain("WRONGPASS");
    expect(others).toEqual([]);
    expect(refusal).toMatchObject({
      code: "BROKER_REFUSED",
      message: expect.stringContaining("WRONGPASS"),
      hint: expect.stringContaining("Check user and password"),
    });
    await server.ask("ACL", "SETUSER", "app", "on");
    await until(reasons, (all) => all.at(-1) === "up");
    expect(await driver.enqueue([task("a1")])).toEqual([{ tag: "enqueued", state: "pending" }]);
  }, 20_000);

  test("a user of an ACL is enough with the rights that the hint names, and refused without", async () => {
    await using server = await redisServer();
    await server.ask(
      ...[
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">pa:ss",
        "~asynq:*",
        "&asynq:cancel",
        "+@all",
        "-@admin",
        "-@dangerous",
      ],
      ...["+info", "+keys"],
    );
    const driver = open(`redis://app:pa%3Ass@127.0.0.1:${server.port}`);
    await driver.connect();
    const receiver = consume(driver);
    await driver.enqueue([task("a1")]);
    const [delivery] = await receiver.receive(1, AbortSignal.timeout(2_000));
    expect(await receiver.settle([{ tag: "ack", delivery: delivery as Delivery }])).toEqual(["settled"]);
    expect((await driver.inspector.queues())[0]?.processed).toBe(1);
    await server.ask("ACL", "SETUSER", "app", "-@write");
    await expect(driver.enqueue([task("a2")])).rejects.toMatchObject({ code: "BROKER_REFUSED" });
  });

  test("a version that is too old is refused with what to do", async () => {
    await using old = await stub("redis_version:5.0.14\r\nloading:0\r\n");
    await expect(open(`redis://127.0.0.1:${old.port}`).connect()).rejects.toMatchObject({
      code: "BROKER_REFUSED",
      hint: expect.stringContaining("6.2"),
    });
  });

  test("without an append-only file there is one warning", async () => {
    await using server = await redisServer(["--appendonly", "no"]);
    const warnings: string[] = [];
    await open(server.url, [], warnings).connect();
    await server.stop();
    await server.start();
    await Bun.sleep(300);
    expect(warnings.filter((line) => line.includes("appendonly yes"))).toHaveLength(1);
  });

  test("a key of another program stops its own queue alone, is named, and nothing is lost", async () => {
    await using server = await redisServer();
    const told: string[] = [];
    const driver = open(server.url, [], told);
    await driver.connect();
    const inQueue = (queue: string, n: number) =>
      driver.enqueue(Array.from({ length: n }, (_, index) => ({ ...task(`${queue}${index}`), queue })));
    await inQueue("w", 5);
    await inQueue("ok", 5);
    const key = "asynq:{w}:lease";
    for (const wrong of [key, "asynq:{w}:archived", "asynq:{w}:sv:owners"]) {
      await server.ask("SET", wrong, "x");
      const named = { code: "BROKER_KEY", message: expect.stringContaining(wrong) };
      await expect(inQueue("w", 9)).rejects.toMatchObject(named);
      const both = consume(driver, ["w", "ok"]);
      const received = await both.receive(10, AbortSignal.timeout(2_000));
      expect(received.map(({ queue }) => queue)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
      const alone = consume(driver, ["w"]);
      await expect(alone.receive(10, AbortSignal.timeout(2_000))).rejects.toMatchObject(named);
      const [ok, w] = await driver.inspector.queues();
      expect(ok).toMatchObject({ queue: "ok", counts: { active: 5 } });
      expect(w).toMatchObject({ queue: "w", problem: expect.stringContaining(wrong) });
      await until(
        async () => told.filter((line) => line.includes(wrong)).length,
        (n) => n === 1,
      );
      await alone.close();
      await both.close();
      await server.ask("DEL", wrong);
    }
    const [, after] = await driver.inspector.queues();
    expect(after).toMatchObject({ queue: "w", counts: { pending: 5, active: 0 } });
  }, 20_000);

  test("counts of another program break no queue, and the list of queues is named when it is overwritten", async () => {
    await using server = await redisServer();
    const driver = open(server.url);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    await server.ask("LPUSH", "asynq:{q}:processed", "x");
    const [info] = await driver.inspector.queues();
    expect(info).toMatchObject({ counts: { pending: 1 }, processedTotal: 0 });
    expect(info).not.toHaveProperty("problem");
    const receiver = consume(driver);
    const [delivery] = await receiver.receive(1, AbortSignal.timeout(2_000));
    expect(await receiver.settle([{ tag: "ack", delivery: delivery as Delivery }])).toEqual(["settled"]);
    await receiver.close();
    await server.ask("SET", "asynq:queues", "x");
    await expect(driver.inspector.queues()).rejects.toMatchObject({
      code: "BROKER_KEY",
      message: expect.stringContaining(" the key asynq:queues holds"),
    });
  });

  test("full memory: enqueue() rejects with BROKER_FULL; what is there is received, settled, and makes room", async () => {
    await using server = await redisServer(["--maxmemory-policy", "noeviction"]);
    const driver = open(server.url);
    await driver.connect();
    await driver.enqueue(["a1", "a2"].map((id) => task(id)));
    await server.ask("CONFIG", "SET", "maxmemory", "1");
    await expect(driver.enqueue([task("a3")])).rejects.toMatchObject({ code: "BROKER_FULL" });
    const receiver = consume(driver);
    const [a1, a2] = await receiver.receive(2, AbortSignal.timeout(2_000));
    expect(await receiver.extend([a1, a2] as Delivery[])).toEqual([]);
    const settled = await receiver.settle([
      { tag: "ack", delivery: a1 as Delivery },
      { tag: "retry", delivery: a2 as Delivery, at: Date.now() + 60_000, error: "x", counts: true },
    ]);
    expect(settled).toEqual(["settled", "settled"]);
    await server.ask("CONFIG", "SET", "maxmemory", "0");
    expect(await driver.enqueue([task("a3")])).toMatchObject([{ tag: "enqueued" }]);
  });

  test("scripts that the server forgot are sent again", async () => {
    await using server = await redisServer();
    const driver = open(server.url);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    await server.ask("SCRIPT", "FLUSH");
    const all = Array.from({ length: 40 }, (_, index) => task(`b${index}`));
    const results = await Promise.all(all.map((one) => driver.enqueue([one])));
    expect(results.flat().every(({ tag }) => tag === "enqueued")).toBe(true);
    await server.ask("SCRIPT", "FLUSH");
    expect(await receiveAll(consume(driver), 41)).toHaveLength(41);
  });

  test("a server that became a replica is left, and one that is a master again is used", async () => {
    await using server = await redisServer();
    const told: Connection[] = [];
    const driver = open(server.url, told);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    await server.ask("REPLICAOF", "127.0.0.1", "1");
    const enqueued = driver.enqueue([task("a2")]);
    await Bun.sleep(300);
    await server.ask("REPLICAOF", "NO", "ONE");
    expect(await enqueued).toMatchObject([{ tag: "enqueued" }]);
    expect(await receiveAll(consume(driver), 2)).toEqual(["a1", "a2"]);
  });

  test("a server that is frozen is away within seconds, and back when it goes on; nothing is enqueued twice", async () => {
    await using server = await redisServer();
    const told: Connection[] = [];
    const driver = open(server.url, told);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    process.kill(server.pid(), "SIGSTOP");
    const started = performance.now();
    await expect(driver.enqueue([task("a2")])).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
    expect(performance.now() - started).toBeLessThan(11_000);
    process.kill(server.pid(), "SIGCONT");
    await until(
      async () => told.length,
      (changes) => changes === 3,
    );
    expect(told.map(({ tag }) => tag)).toEqual(["up", "down", "up"]);
    expect(await driver.enqueue([task("a2")])).toEqual([{ tag: "enqueued", state: "pending" }]);
    expect(await receiveAll(consume(driver), 2)).toEqual(["a1", "a2"]);
  }, 25_000);

  test("a reply that was lost with its connection is no conflict, and a claim whose reply was lost is given back", async () => {
    await using server = await redisServer();
    await using proxy = await losingProxy(server.port);
    const driver = open(`redis://127.0.0.1:${proxy.port}`);
    await driver.connect();
    await driver.enqueue([task("a0")]);
    proxy.loseNextReply();
    expect(await driver.enqueue([task("a1")])).toEqual([{ tag: "enqueued", state: "pending" }]);
    expect(await driver.enqueue([task("a1")])).toEqual([{ tag: "conflict" }]);
    const receiver = consume(driver);
    expect(await receiveAll(receiver, 1)).toEqual(["a0"]);
    proxy.loseNextReply();
    const received = await receiver.receive(5, AbortSignal.timeout(4_000));
    expect(received.map(({ id, crashes }) => [id, crashes])).toEqual([["a1", 0]]);
    expect(proxy.lost()).toBe(2);
  });

  test("settle() that is repeated after a lost reply answers what the first one did, and does nothing twice", async () => {
    await using server = await redisServer();
    await using proxy = await losingProxy(server.port);
    const driver = open(`redis://127.0.0.1:${proxy.port}`);
    await driver.connect();
    await driver.enqueue(["a0", "a1", "a2", "a3"].map(task));
    const receiver = consume(driver);
    const over = AbortSignal.timeout(5_000);
    type Four = [Delivery, Delivery, Delivery, Delivery];
    const [first, one, two, three] = (await receiver.receive(4, over)) as Four;
    // So that the server knows the script.
    await receiver.settle([{ tag: "ack", delivery: first }]);
    const settlements: Settlement[] = [
      { tag: "ack", delivery: one },
      { tag: "hold", delivery: two, key: "nobody blocks it" },
    ];
    proxy.loseNextReply();
    await expect(receiver.settle(settlements)).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
    await driver.connect();
    const again = await until(
      () => receiver.settle([...settlements, { tag: "ack", delivery: three }]).catch(() => undefined),
      (results) => results !== undefined,
    );
    expect(again).toEqual(["settled", "released", "settled"]);
    expect(await receiver.settle(settlements)).toEqual(["lost", "lost"]);
    expect(proxy.lost()).toBe(1);
    const [info] = await driver.inspector.queues();
    expect([info?.processed, info?.counts.pending, info?.counts.active]).toEqual([3, 1, 0]);
  });

  test("a server that loads its data is waited for: enqueue() and receive() succeed when it has them", async () => {
    // Half a second at least, and an answer to whoever asks meanwhile. Where a sleep takes ten times what it was
    // asked for, it is still within the five seconds that enqueue() waits.
    const slowly = ["--key-load-delay", "200", "--loading-process-events-interval-bytes", "1024"];
    await using server = await redisServer(slowly);
    const told: Connection[] = [];
    const driver = open(server.url, told);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    await server.ask("EVAL", "for i = 1, 2000 do redis.call('SET', 'filler:' .. i, i) end", "0");
    await server.ask("BGREWRITEAOF");
    await until(
      () => server.ask("INFO", "persistence"),
      (info) => /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/.test(info),
    );
    await server.stop();
    const started = server.start();
    const loading = await until(
      () => server.ask("GET", "filler:1").catch(String),
      (answer) => !/ECONN/.test(answer),
    );
    expect(loading).toStartWith("-LOADING");
    expect(await driver.enqueue([task("a2")])).toEqual([{ tag: "enqueued", state: "pending" }]);
    await started;
    expect(await receiveAll(consume(driver), 2)).toEqual(["a1", "a2"]);
    expect(told.map(({ tag }) => tag)).toEqual(["up", "down", "up"]);
  }, 20_000);

  test("TLS: with an authority of one's own, and refused without it", async () => {
    const file = (name: string) => join(certificates, name);
    await using server = await redisServer(
      [
        ...["--port", "0", "--tls-auth-clients", "no", "--tls-cert-file", file("cert.pem")],
        ...["--tls-key-file", file("key.pem"), "--tls-ca-cert-file", file("cert.pem")],
      ],
      { tls: true },
    );
    const driver = open(`rediss://localhost:${server.port}?ca=${encodeURIComponent(file("cert.pem"))}`);
    await driver.connect();
    await driver.enqueue([task("a1")]);
    expect(await receiveAll(consume(driver), 1)).toEqual(["a1"]);
    const told: Connection[] = [];
    const distrusting = open(`rediss://localhost:${server.port}`, told);
    const connecting = distrusting.connect();
    connecting.catch(() => {});
    const [first] = await until(
      async () => told,
      (changes) => changes.length > 0,
    );
    expect(first?.tag).toBe("down");
  });
});

function consume(driver: Driver, queues: readonly string[] = ["q"]): Receiver {
  return driver.subscribe({
    consumer: "failures",
    queues: queues.map((queue) => ({ queue, weight: 1 })),
    strict: false,
    lease: 30_000,
    concurrency: 10,
    onCancel: () => {},
  });
}

function task(id: string): NewTask {
  return { id, queue: "q", type: "t", payload: "{}", maxRetry: 25, timeout: 0, deadline: 0, retention: 0 };
}

async function receiveAll(receiver: Receiver, many: number): Promise<string[]> {
  const all: Delivery[] = [];
  const over = AbortSignal.timeout(5_000);
  while (all.length < many && !over.aborted) all.push(...(await receiver.receive(many - all.length, over)));
  return all.map(({ id }) => id);
}

/** Answers INFO with `info`, and everything else with OK. */
async function stub(info: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const command of String(data).split(/(?=\*\d+\r\n)/)) {
        const reply = /\r\ninfo\r\n/i.test(command) ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n";
        socket.write(reply);
      }
    });
  });
  return listening(server, new Set());
}

/** A proxy that can pass a script call on, and end the connection instead of passing its reply. */
async function losingProxy(target: number) {
  let isLosing = false;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    let isNext = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      if (isLosing && /evalsha/i.test(String(data))) {
        isLosing = false;
        isNext = true;
      }
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (isNext) {
        lost++;
        client.destroy();
      } else client.write(data);
    });
  });
  const { port, [Symbol.asyncDispose]: end } = await listening(server, sockets);
  return {
    port,
    loseNextReply: () => {
      isLosing = true;
    },
    lost: () => lost,
    [Symbol.asyncDispose]: end,
  };
}

async function listening(server: Server, sockets: Set<Socket>): Promise<{ port: number } & AsyncDisposable> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
