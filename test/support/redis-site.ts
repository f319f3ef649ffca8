import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Driver } from "../../src/queue/driver.ts";
import { openRedis } from "../../src/queue/drivers/redis.ts";
import type { DriverHarness } from "../contract/queue-driver.ts";
import { jumpClock } from "./jump-clock.ts";
import { newOwner, seeded, silent } from "./queue-sites.ts";
import type { RedisServer } from "./redis-server.ts";
import { redisServer } from "./redis-server.ts";

let count = 0;

let shared: Promise<RedisServer> | undefined;

/** The suite on one server for all cases, which is emptied before each. */
export const redisHarness: DriverHarness = {
  async start() {
    shared ??= redisServer();
    const server = await shared;
    await server.start();
    await server.ask("FLUSHALL");
    return siteOn(server);
  },
};

/** Ends the server of `redisHarness`, if there was one. */
export async function stopRedisHarness(): Promise<void> {
  await (await shared)?.[Symbol.asyncDispose]();
}

function siteOn(server: RedisServer) {
  const clock = jumpClock();
  const drivers: Driver[] = [];
  const quiet = () => sleep(40);
  return {
    clock,
    unit: 1_000,
    quiet,
    async pass(ms: number) {
      clock.jump(ms);
      // What the server itself forgets after a time is that much older, too.
      await server.ask("EVAL", older, "0", String(Math.round(ms))).catch(() => {});
      await quiet();
    },
    async open(owner = newOwner()) {
      const random = seeded(++count);
      const given = {
        name: "suite",
        url: server.url,
        clock,
        random,
        log: silent,
        owner,
        onConnection: () => {},
      };
      const driver = openRedis(given);
      drivers.push(driver);
      await driver.connect();
      return driver;
    },
    deadOwner: () => `${hostname()}:${spawnSync(process.execPath, ["--version"]).pid}:${++count}`,
    stop: () => server.stop(),
    restart: () => server.start(),
    async [Symbol.asyncDispose]() {
      await Promise.all(drivers.map((driver) => driver.close()));
    },
  };
}

const older = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left > 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end
return 1
`;
