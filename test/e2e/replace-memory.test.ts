import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { controlOf } from "../support/control.ts";
import { describeTargets, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";

// A megabyte that only this generation holds, and one more in a module that it imports.
const service = `import { held } from "./held.ts";
const own = new Array(128 * 1024).fill(0).map((_, index) => index);
export default { fetch: () => new Response(String(own.length + held.length)) };
`;
const imported = "export const held = new Array(128 * 1024).fill(0).map((_, index) => index);\n";

describeTargets("memory of replaces", (target) => {
  // Deno keeps every module that it has loaded; what is replaced inline there runs the same code again.
  const cases = [
    {
      isolation: "inline",
      replaces: 500,
      skip: target.name === "deno" ? "deno loads no code anew inline" : "",
    },
    { isolation: "worker", replaces: 200, skip: "" },
  ];
  for (const { isolation, replaces, skip } of cases) {
    const why = skip || (process.platform === "linux" ? "" : "reads /proc");
    test.skipIf(why !== "")(
      `${replaces} ${isolation} replaces: flat within 20 %${why && ` (skipped: ${why})`}`,
      async () => {
        const yaml = `name: memory\nadmin: false\nservices:\n  big: { module: ./big.ts, isolation: ${isolation} }\n`;
        using project = tempDir({ "big.ts": service, "held.ts": imported, "services.yaml": yaml });
        const env = { XDG_RUNTIME_DIR: project.path };
        await using supervisor = spawnSupervisor(target, ["run"], { cwd: project.path, env });
        await supervisor.waitFor(/ready in/);
        const control = await controlOf(project.path, "memory");
        const replace = async (times: number) => {
          const peaks: number[] = [];
          for (let round = 0; round < times; round++) {
            const { value } = await control.ask("POST", "/services/big/restart");
            expect(value).toMatchObject({ outcome: "done" });
            peaks.push(rssOf(supervisor.pid));
          }
          return Math.max(...peaks);
        };
        // What a runtime keeps ready after the first ones is no growth.
        const early = await replace(replaces / 5);
        await replace((replaces * 3) / 5);
        const late = await replace(replaces / 5);
        expect(late / early).toBeLessThan(1.2);
      },
      120_000,
    );
  }
});

/** In MB. */
function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
