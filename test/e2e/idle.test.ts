import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";

/** Nothing here has a socket or a timer of its own once the service has been stable for a moment. */
const yaml = `name: test
admin: false
services:
  calm: { module: ${fixtures}/calm.ts, restart: { stable: 100ms } }
`;

describeTargets("an idle supervisor", (target) => {
  const reason = process.platform === "linux" ? undefined : "only Linux tells the time of each thread";
  test.skipIf(reason !== undefined)(
    `sleeps, also when no service has a socket or a timer${reason ? ` (skipped: ${reason})` : ""}`,
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const before = processorMs(system.process.pid);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(processorMs(system.process.pid) - before).toBeLessThan(300);
      expect((await system.stop()).code).toBe(0);
    },
    20_000,
  );
});

function processorMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8"))
    .reduce((sum, text) => sum + Number(text.split(" ")[0]) / 1_000_000, 0);
}
