import { expect, test } from "bun:test";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
const budgetMs = 1_000;
const yaml = `name: test
admin: { listen: 127.0.0.1:0 }
shutdown: { timeout: 1s }
services:
  innocent: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  culprit: { module: ${fixtures}/freezes.ts, http: { port: 0 } }
`;

describeTargets("a frozen event loop", (target) => {
  for (const where of ["fetch", "timer", "await"]) {
    test(
      `in ${where}: is named on stderr and by /livez, and SIGTERM ends the process inside its budget`,
      async () => {
        await using system = startSystem(target, yaml);
        await system.ready();
        const admin = await knownReady(system);
        expect((await fetch(`${admin}/livez`)).status).toBe(200);
        const froze = performance.now();
        void fetch(`${await system.url("culprit")}/${where}`).catch(() => {});

        const answers: number[] = [];
        let livez: Response;
        do {
          await Bun.sleep(50);
          const asked = performance.now();
          livez = await fetch(`${admin}/livez?verbose`);
          answers.push(performance.now() - asked);
        } while (livez.status === 200 && performance.now() - froze < 10_000);
        const noticedMs = Math.round(performance.now() - froze);
        expect(livez.status).toBe(503);
        expect(await livez.text()).toContain("culprit");
        expect(noticedMs).toBeLessThan(3_000);
        await system.process.waitFor(/blocked|frozen/);
        expect(system.process.stderr).toContain("culprit");
        expect((await fetch(`${admin}/readyz`)).status).toBe(503);

        const { code, elapsedMs } = await system.stop();
        const slowest = Math.round(Math.max(...answers));
        console.log(
          `${target.name}: frozen in ${where}: noticed after ${noticedMs} ms, slowest answer ${slowest} ms, gone ${elapsedMs} ms after SIGTERM`,
        );
        expect(code).toBe(75);
        const { outcome, services, durationMs } = system.report();
        expect(durationMs).toBeLessThanOrEqual(budgetMs);
        expect(outcome).toBe("forced");
        for (const stop of services) expect(stop.outcome).toBe("abandoned");
        expect(services.map(({ service }) => service).sort()).toEqual(["culprit", "innocent"]);
      },
      slow,
    );
  }

  test(
    "SIGHUP does nothing meanwhile: what it asks for cannot be done, and nobody asked for a stop",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      await knownReady(system);
      void fetch(`${await system.url("culprit")}/fetch`).catch(() => {});
      await system.process.waitFor(/blocked|frozen/);
      system.process.signal("SIGHUP");
      system.process.signal("SIGHUP");
      const ended = await Promise.race([system.process.exit, Bun.sleep(2 * budgetMs)]);
      expect(ended).toBeUndefined();
      expect((await system.stop()).code).toBe(75);
    },
    slow,
  );

  test(
    "its report has the services in the order of the teardown",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      await knownReady(system);
      void fetch(`${await system.url("culprit")}/fetch`).catch(() => {});
      await system.process.waitFor(/blocked|frozen/);
      await system.stop();
      expect(system.report().services.map(({ service }) => service)).toEqual(["culprit", "innocent"]);
    },
    slow,
  );

  test(
    "a second signal ends it at once",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      await knownReady(system);
      void fetch(`${await system.url("culprit")}/fetch`).catch(() => {});
      await system.process.waitFor(/blocked|frozen/);
      system.process.signal("SIGINT");
      await system.process.waitFor(/SIGINT while/);
      const { code } = await system.stop("SIGINT");
      // The budget would have ended it with 75.
      expect(code).toBe(130);
      expect(system.process.stderr).toMatch(/not stopped: .*culprit/);
    },
    slow,
  );
});

/** The admin's address, once the operator's plane has heard that everything is ready. */
async function knownReady(system: System): Promise<string> {
  const admin = await system.url();
  const readyz = await until(
    () => fetch(`${admin}/readyz`),
    ({ status }) => status === 200,
  );
  expect(readyz.status).toBe(200);
  return admin;
}
