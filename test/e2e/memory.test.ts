import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";

const yaml = `name: test
admin: { listen: 127.0.0.1:0 }
log: { level: debug }
services:
  api: { module: ${fixtures}/plain.ts, http: { port: 0 } }
`;

describeTargets("memory", (target) => {
  const reason =
    target.name === "deno"
      ? "Deno compiles no C"
      : process.platform === "linux"
        ? undefined
        : `not built for ${process.platform}`;
  test.skipIf(reason !== undefined)(
    `that only the start needed is given back once the services are ready${reason ? ` (skipped: ${reason})` : ""}`,
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      const started = fileKilobytes(system.process.pid);
      const [, bytes] = await system.process.waitFor(/gave back pages of the executable.*"bytes":(\d+)/);
      expect(Number(bytes)).toBeGreaterThan(8 << 20);
      expect(fileKilobytes(system.process.pid)).toBeLessThan(started * 0.8);
      expect((await fetch(await system.url("api"))).status).toBe(200);
      expect((await system.stop()).code).toBe(0);
    },
    20_000,
  );
});

/** Pages of files that are in the memory of this process. */
function fileKilobytes(pid: number): number {
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
