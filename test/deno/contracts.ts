import process from "node:process";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { httpPassedCases } from "../contract/http-passed.ts";
import { httpPlaneCases, httpWorkerCases } from "../contract/http-plane.ts";
import { queueDriverCases } from "../contract/queue-driver.ts";
import { runtimeCases } from "../contract/runtime.ts";
import { memoryHarness, sqliteHarness } from "../support/queue-sites.ts";
import { redisHarness } from "../support/redis-site.ts";

/*
 * One contract under `deno run`, one line per case: `deno run -A test/deno/contracts.ts http-plane`. With a second
 * argument, only the cases whose name contains it.
 */
const contracts = {
  "http-plane": httpPlaneCases,
  "http-passed": httpPassedCases,
  "http-worker": httpWorkerCases,
  "queue-memory": queueDriverCases(memoryHarness),
  "queue-redis": queueDriverCases(redisHarness),
  "queue-sqlite": queueDriverCases(sqliteHarness),
  runtime: runtimeCases,
};
const [contract = "", only = ""] = process.argv.slice(2);
const cases = contracts[contract as keyof typeof contracts];
const runtime = await detectRuntime();
let passed = 0;
let failed = 0;
for (const { name, run } of cases.filter((one) => one.name.includes(only))) {
  try {
    await run(runtime);
    passed++;
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}: ${error instanceof Error ? error.stack : error}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
