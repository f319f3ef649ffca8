import { expect, test } from "bun:test";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createBrokers } from "../../src/brokers.ts";
import { systemClock } from "../../src/core/clock.ts";
import { createLogger } from "../../src/core/log.ts";
import { describeTargets, spawnSupervisor } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const chains = 60;
const mostKills = 12;

const service = `
let steps = 0;
const pause = async () => {
  await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 20));
  console.log(\`step \${++steps} of this life\`);
};
export default {
  tasks: {
    async "step:add"({ data }) { await pause(); return data.input + 1; },
    async "step:double"({ data }) { await pause(); return data.previous * 2; },
    async "step:tell"({ data }) { await pause(); return { of: data.input, is: data.previous }; },
  },
};
`;
const yaml = `name: chains
admin: false
brokers: { main: "sqlite:./queue.db" }
services:
  worker: { module: ./worker.ts, consume: { queue: default, concurrency: 4 } }
`;

describeTargets("chains", (target) => {
  test(`${chains} chains end with the right results, each step after the one before, although the process is killed again and again`, async () => {
    using project = tempDir({ "worker.ts": service, "services.yaml": yaml });
    const options = { cwd: project.path, env: { XDG_RUNTIME_DIR: project.path } };
    const brokers = createBrokers({
      brokers: [{ name: "main", scheme: "sqlite", url: `sqlite:${join(project.path, "queue.db")}` }],
      clock: systemClock,
      random: Math.random,
      log: createLogger(() => {}, systemClock.wall),
    });
    try {
      const queue = brokers.queue("main");
      const ids = Array.from({ length: chains }, (_, n) => `c${n}`);
      for (const [n, id] of ids.entries()) {
        await queue.chain([
          { type: "step:add", payload: n, id },
          { type: "step:double" },
          { type: "step:tell", payload: id, retention: "1h" },
        ]);
      }
      const { inspector } = await brokers.driver("main");
      const completed = async () =>
        (await inspector.tasks("default", { state: "completed" }, { limit: 1_000 })).tasks;

      // Killed while steps are going on, however long this machine takes to get there; but not the same steps again and
      // again, which would be given up as what kills the process.
      let kills = 0;
      while ((await completed()).length < chains && kills < mostKills) {
        await using supervisor = spawnSupervisor(target, ["run"], options);
        await until(
          async () => /step 6 of this life/.test(supervisor.stderr) || (await completed()).length === chains,
          (over) => over,
          30_000,
        );
        await sleep(Math.random() * 100);
        supervisor.signal("SIGKILL");
        await supervisor.exit;
        kills++;
      }
      expect(kills).toBeGreaterThan(2);
      // Then one life has the time it needs: a chain that has not ended by then is lost.
      await using last = spawnSupervisor(target, ["run"], options);
      await until(completed, (tasks) => tasks.length === chains, 60_000);
      last.signal("SIGTERM");
      await last.exit;
      // Nothing began twice: no step is left over, nor failed.
      const [info] = await inspector.queues();
      expect(info?.counts).toMatchObject({ pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0 });
      const results = (await completed()).map(({ id, result }) => [id, JSON.parse(result ?? "null")]);
      const expected = ids.map((id, n) => [`${id}:3`, { of: id, is: (n + 1) * 2 }]);
      expect(results.sort()).toEqual(expected.sort());
    } finally {
      await brokers.closeAll();
    }
  }, 180_000);
});
