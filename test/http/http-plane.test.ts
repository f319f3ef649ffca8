import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { httpPlaneCases } from "../contract/http-plane.ts";

const root = join(import.meta.dir, "../..");
const deno = join(root, "node_modules/.bin/deno");
const runtime = await detectRuntime();

describe("the HTTP plane on Bun", () => {
  for (const { name, run } of httpPlaneCases) test(name, () => run(runtime), 20_000);
});

describe("the HTTP plane on Deno", () => {
  // Skipped only where Deno is not installed: the project's own package.json brings it.
  test.skipIf(!existsSync(deno))(
    "keeps the same promises",
    () => {
      const result = spawnSync(deno, ["run", "-A", "test/deno/http-plane.ts"], {
        cwd: root,
        encoding: "utf8",
      });
      expect(result.stdout.split("\n").filter((line) => line.startsWith("not ok"))).toEqual([]);
      expect(result.stdout).toContain(`${httpPlaneCases.length} passed, 0 failed`);
      expect(result.status).toBe(0);
    },
    120_000,
  );
});
