import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { systemClock } from "../../../src/core/clock.ts";
import type { Driver } from "../../../src/queue/driver.ts";
import { openRedis } from "../../../src/queue/drivers/redis.ts";
import { tasks } from "../../contract/queue-site.ts";
import { crashRun } from "../../support/crash-run.ts";
import { newOwner, silent } from "../../support/queue-sites.ts";
import { lacksRedis, redisServer } from "../../support/redis-server.ts";
import { tempDir } from "../../support/temp-dir.ts";

// The long run: CRASH_MESSAGES=10000 CRASH_ROUNDS=20 bun test --isolate test/queue/redis/redis-crash.test.ts
const messages = Number(process.env.CRASH_MESSAGES ?? 1_000);
const rounds = Number(process.env.CRASH_ROUNDS ?? 1);
const skipped = lacksRedis ? ` (skipped: ${lacksRedis})` : "";

test.skipIf(lacksRedis !== undefined)(
  `redis: ${messages} messages, their consumers killed at random points, ${rounds} time(s): none is lost${skipped}`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      using dir = tempDir();
      await using server = await redisServer();
      const driver = await open(server.url);
      const effects = join(dir.path, "effects");
      const report = await crashRun(driver, { kind: "redis", url: server.url, effects, messages });
      await driver.close();
      if (rounds > 1) console.log(`round ${round + 1}: ${JSON.stringify(report)}`);
      expect(report.lost).toBe(0);
      // Only what was handled and not settled yet comes again: at most what one consumer holds at a time.
      expect(report.duplicates).toBeLessThanOrEqual(20 * report.kills);
      expect(report.kills).toBeGreaterThan(0);
    }
  },
  150_000 * rounds,
);

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test.skipIf(lacksRedis !== undefined)(
    `redis: ${messages} messages, the server ended by ${signal} and started again under load: none is lost${skipped}`,
    async () => {
      for (let round = 0; round < rounds; round++) {
        using dir = tempDir();
        // Every command is on the disk before it is answered, so that a kill takes nothing that was promised.
        await using server = await redisServer(["--appendfsync", "always"]);
        const driver = await open(server.url);
        const effects = join(dir.path, "effects");
        const script = join(import.meta.dir, "../../support/crash-consumer.ts");
        const consumer = spawn(process.execPath, [script, "redis", server.url, effects], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(consumer.stdout, "data");
        const made = tasks("m", messages);
        const enqueuing = (async () => {
          for (let from = 0; from < messages; from += 10) {
            const some = made.slice(from, from + 10);
            const results = await patiently(() => driver.enqueue(some));
            // Each is new: a reply that was lost is no conflict.
            expect(results.map(({ tag }) => tag)).toEqual(some.map(() => "enqueued"));
          }
        })();
        for (let stop = 0; stop < 3; stop++) {
          await Bun.sleep(60 + Math.random() * 150);
          await server.stop(signal);
          await Bun.sleep(100);
          await server.start();
        }
        await enqueuing;
        const effectsNow = () =>
          existsSync(effects) ? readFileSync(effects, "utf8").split("\n").filter(Boolean) : [];
        for (const end = performance.now() + 20_000; performance.now() < end; await Bun.sleep(50)) {
          const [info] = await patiently(() => driver.inspector.queues());
          if (info && info.counts.pending + info.counts.active === 0) break;
        }
        consumer.kill("SIGKILL");
        await driver.close();
        const lines = effectsNow();
        expect(made.filter(({ id }) => !new Set(lines).has(id))).toEqual([]);
        const duplicates = lines.length - new Set(lines).size;
        if (rounds > 1) console.log(`${signal} round ${round + 1}: ${duplicates} twice`);
        // What was handled when the server went: its consumer holds at most twenty at a time.
        expect(duplicates).toBeLessThanOrEqual(3 * 20);
      }
    },
    150_000 * rounds,
  );
}

async function open(url: string): Promise<Driver> {
  const driver = openRedis({
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

/** Again while the server is away. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== "BROKER_UNREACHABLE") throw error;
      await Bun.sleep(20);
    }
  }
}
