import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { serviceFrames } from "../../src/observe/service-frames.ts";

const src = join(import.meta.dir, "../../src");

describe("serviceFrames()", () => {
  test.each([
    ["Bun", (file: string) => file, "node:async_hooks:144:29"],
    ["Deno", (file: string) => `file://${file}`, "ext:deno_node/async_hooks.ts:1:1762"],
  ])("takes the supervisor's frames out, and keeps those of services around them: %s", (_, path, hooks) => {
    const stack = [
      "Error: several",
      "lines at once",
      `    at inner (${path("/srv/a.ts")}:2:20)`,
      `    at withMark (${path(`${src}/core/beacon.ts`)}:39:12)`,
      `    at run (${hooks})`,
      `    at ${path(`${src}/host/inline.ts`)}:234:54`,
      `    at async outer (${path("/srv/b.ts")}:1:2)`,
    ];
    expect(serviceFrames(stack.join("\n"))).toBe([...stack.slice(0, 3), stack[6]].join("\n"));
  });

  test("leaves a stack in which no service has a frame", () => {
    const stack = `Error: ours\n    at read (node:fs:1:2)\n    at start (${src}/host/inline.ts:1:2)`;
    expect(serviceFrames(stack)).toBe(stack);
    expect(serviceFrames("")).toBe("");
  });
});
