import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { shellWord } from "../../src/cli/shell-word.ts";

test("shellWord() is one word for a shell, whatever is in the path", () => {
  expect(shellWord("app-deno/main.ts")).toBe("app-deno/main.ts");
  for (const path of ["my app/main.ts", "it's", "a$(b)`c`\\d", 'say "so"', "a;b&c"]) {
    const { stdout } = spawnSync("sh", ["-c", `printf '<%s>' ${shellWord(path)}`], { encoding: "utf8" });
    expect(stdout).toBe(`<${path}>`);
  }
});
