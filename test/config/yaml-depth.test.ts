import { describe, expect, test } from "bun:test";
import { readFullYaml } from "../../src/config/yaml.ts";
import { tooDeepAt } from "../../src/config/yaml-depth.ts";

describe("tooDeepAt()", () => {
  test.each([
    ["open lists", `services: ${"[".repeat(200)}`],
    ["closed lists", `services: ${"[".repeat(200)}${"]".repeat(200)}`],
    ["lists behind an anchor and a tag", `services: &a !!seq ${"[".repeat(200)}`],
    ["flow mappings", `services: ${"{a: ".repeat(200)}`],
    ["flow mappings with quoted keys", `services: ${'{"]": '.repeat(200)}`],
    ["over several lines", `services: ${"[\n  ".repeat(200)}`],
    ["compact lists", "- ".repeat(200)],
    ["compact keys", "? ".repeat(200)],
    ["indented mappings", Array.from({ length: 200 }, (_, n) => `${" ".repeat(n)}a:\n`).join("")],
  ])("finds %s", (_, text) => {
    expect(tooDeepAt(text, 100)).toBeNumber();
  });

  test.each([
    ["many lists beside each other", `a: [${"[1], ".repeat(500)}]\nb:\n${"  - [x]\n".repeat(500)}`],
    ["brackets in quotes", `a: ["${"[".repeat(200)}", '${"{".repeat(200)}', "\\"${"[".repeat(200)}"]`],
    ["brackets in a quoted value", `a: "${"[".repeat(200)}"\nb: 1\n`],
    ["brackets in a plain value", `a: x${"[".repeat(200)}\nb: 1\n`],
    [
      "brackets in comments",
      `a: 1 # ${"[".repeat(200)}\n# ${"[".repeat(200)}\nb: [1, # ${"[".repeat(200)}\n  2]\n`,
    ],
    ["brackets in a block scalar", `a: |\n  ${"[ ".repeat(200)}\n\n   ${"- ".repeat(200)}\nb: 1\n`],
    ["a block scalar in a list", `a:\n  - >-\n    ${"[ ".repeat(200)}\n  - 1\n`],
    ["a file of many levels in turn", "a:\n b:\n  c:\n   - d: { e: [f] }\n".repeat(300)],
  ])("lets pass %s", (_, text) => {
    expect(tooDeepAt(text, 100)).toBeUndefined();
  });
});

test("readFullYaml() refuses what is too deep at once, with its place", async () => {
  for (const part of ["[", "{a: ", "- "]) {
    const before = performance.now();
    const { problems } = await readFullYaml({
      file: "/services.yaml",
      text: `services:\n  ${part.repeat(20_000)}`,
    });
    expect(problems).toMatchObject([
      {
        code: "YAML_SYNTAX",
        message: expect.stringContaining("nested more than 100"),
        position: { line: 2 },
      },
    ]);
    // The parser takes seconds for a tenth of it.
    expect(performance.now() - before).toBeLessThan(1_000);
  }
});
