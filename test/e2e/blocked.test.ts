import { expect, test } from "bun:test";
import type { Status } from "../../src/control/status.ts";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 30_000;
const yaml = `name: test
admin: { listen: 127.0.0.1:0 }
services:
  innocent: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  culprit: { module: ${fixtures}/blocks.ts, http: { port: 0 } }
`;
const isAbout = (text: string) => text.includes("blocked the event loop");

describeTargets("a service that blocks the event loop for a while", (target) => {
  test(
    "is named in the log once, in the status with its longest stretch, and in the delay of /livez",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      const [culprit, innocent] = [await system.url("culprit"), await system.url("innocent")];
      await until(
        () => statusOf(system),
        ({ loop }) => loop !== undefined,
      );
      // Those who wait meanwhile get their turn before anything else: they must not be blamed for it.
      await Promise.all([fetch(`${culprit}/?ms=500`), fetch(innocent), fetch(innocent)]);
      const record = await system.record(({ msg }) => isAbout(msg));
      expect(record).toMatchObject({ level: "warn", service: "culprit", certain: true });
      expect(record.msg).toMatch(/^service "culprit" blocked the event loop for \d+(ms|\.\d+s)$/);

      const status = await until(
        () => statusOf(system),
        ({ services }) => services.some(({ longestStretch }) => longestStretch !== undefined),
      );
      expect(stretchOf(status, "culprit")).toBeGreaterThanOrEqual(440);
      expect(stretchOf(status, "innocent")).toBeLessThan(400);
      expect(status.loop?.delayMs.max).toBeGreaterThanOrEqual(440);
      const livez = await (await fetch(`${await system.url()}/livez?verbose`)).text();
      expect(livez).toMatch(
        /^\[\+\]event-loop ok \(delay of the last minute: p50 .*ms, p99 .*ms, max .*ms\)$/m,
      );

      await fetch(`${culprit}/?ms=400`);
      await fetch(`${culprit}/later?ms=300`);
      await Bun.sleep(300);
      const told = system.log.filter(({ msg, service }) => isAbout(msg) && service === "culprit");
      expect(told).toHaveLength(1);
      // Most beats are on time again.
      const calm = await until(
        () => statusOf(system),
        ({ loop }) => (loop?.delayMs.p50 ?? 1_000) < 40,
      );
      expect(calm.loop?.delayMs.p50).toBeLessThan(40);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "after an await is found, too: as the last that was active",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      await until(
        () => statusOf(system),
        ({ loop }) => loop !== undefined,
      );
      await fetch(`${await system.url("culprit")}/later?ms=400`);
      const record = await system.record(({ msg }) => isAbout(msg));
      expect(record).toMatchObject({ service: "culprit" });
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );
});

async function statusOf(system: System): Promise<Status> {
  const response = await fetch(`${await system.url()}/api/v1/status`);
  return (await response.json()) as Status;
}

function stretchOf({ services }: Status, name: string): number {
  return services.find((service) => service.name === name)?.longestStretch?.ms ?? 0;
}
