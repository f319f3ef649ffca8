import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Case } from "../contract/http-setup.ts";

const root = join(import.meta.dir, "../..");
const deno = join(root, "node_modules/.bin/deno");
const isDenoThere = existsSync(deno);

/** Runs a contract here, and in a process of Deno; `name` is what `test/deno/contracts.ts` calls it. */
export async function testContract(name: string, cases: readonly Case[]): Promise<void> {
  const runtime = await detectRuntime();
  describe(`the ${name} contract on Bun`, () => {
    for (const { name, run } of cases) test(name, () => run(runtime), 20_000);
  });
  const reason = isDenoThere ? "" : " (skipped: node_modules has no deno, `npm install` brings it)";
  test.skipIf(!isDenoThere)(
    `the ${name} contract on Deno${reason}`,
    () => {
      const command = ["run", "-A", "--v8-flags=--expose-gc", "test/deno/contracts.ts", name];
      const result = spawnSync(deno, command, { cwd: root, encoding: "utf8", timeout: 110_000 });
      expect(result.stdout.split("\n").filter((line) => line.startsWith("not ok"))).toEqual([]);
      expect(result.stdout).toContain(`${cases.length} passed, 0 failed`);
      expect(result.status).toBe(0);
    },
    120_000,
  );
}
