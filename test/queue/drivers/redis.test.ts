import { afterAll, test } from "bun:test";
import { queueDriverCases } from "../../contract/queue-driver.ts";
import { testContract } from "../../support/contract.ts";
import { lacksRedis } from "../../support/redis-server.ts";
import { redisHarness, stopRedisHarness } from "../../support/redis-site.ts";

afterAll(stopRedisHarness);

if (lacksRedis) test.skip(`the queue-redis contract (skipped: ${lacksRedis})`, () => {});
else await testContract("queue-redis", queueDriverCases(redisHarness));
