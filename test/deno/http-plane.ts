import process from "node:process";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { httpPlaneCases } from "../contract/http-plane.ts";

/*
 * The contract of the HTTP plane under `deno run`, one line per case. With an argument, only the cases whose
 * name contains it.
 */
const runtime = await detectRuntime();
const [only = ""] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const { name, run } of httpPlaneCases.filter((one) => one.name.includes(only))) {
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
