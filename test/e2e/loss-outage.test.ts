import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { freePort } from "../support/free-port.ts";
import type { LossBroker } from "../support/loss-broker.ts";
import { lossBroker, numbered } from "../support/loss-broker.ts";
import { effectsOf } from "../support/loss-journal.ts";
import { lossSite } from "../support/loss-lives.ts";
import { enqueueLoad } from "../support/loss-load.ts";
import { isLeftOut, lossMessages, lossRounds, lossTimeout, repeat } from "../support/loss-rounds.ts";
import { lacksRedis } from "../support/redis-server.ts";
import type { System } from "../support/system.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

/*
 * Redis is stopped or killed at random points, and started again on what it kept, while our process goes on enqueuing
 * and consuming.
 */

const yaml = (broker: string, port: number) => `
name: outage
admin: { listen: "127.0.0.1:0" }
brokers: { main: "${broker}" }
services:
  consumer:
    module: ${fixtures}/loss-consumer.ts
    consume: { queue: numbers, concurrency: 10 }
    config: { takes: 4 }
  desk: { module: ${fixtures}/loss-desk.ts, http: { port: ${port} } }
`;

const mostOutages = Math.ceil(lossMessages / 500);

interface Outage {
  readonly from: number;
  readonly to: number;
}

describeTargets("a broker that comes and goes", (target) => {
  const isSkipped = lacksRedis !== undefined || isLeftOut("redis");
  const why = lacksRedis ? ` (skipped: ${lacksRedis})` : "";

  const signals = target.name === "binary" ? (["SIGTERM", "SIGKILL"] as const) : (["SIGKILL"] as const);
  for (const signal of signals) {
    test.skipIf(isSkipped)(
      `redis, ${signal}: nothing that was accepted is lost, and nothing is done twice that was settled${why}`,
      () =>
        repeat(`redis: outages, ${signal}`, target, async ({ random }) => {
          await using broker = await lossBroker("redis");
          const port = await freePort();
          using site = lossSite(target, yaml(broker.url, port));
          const made = numbered(lossMessages, (n) => ({ id: `first${n}` }));
          await broker.enqueue(made);
          await using system = site.start();
          await system.ready();
          const linesAtFirst = linesOf(system);

          const load = enqueueLoad(`http://127.0.0.1:${port}`, lossMessages);
          const outages: Outage[] = [];
          while (!load.isOver && outages.length < mostOutages) {
            await Bun.sleep(100 + random() * 500);
            outages.push(await outage(broker, signal, 20 + random() * 600));
          }
          while (!load.isOver) await Bun.sleep(20);
          await untilAllIsDone(broker, system);

          const effects = effectsOf(site.journal());
          const accepted = [...made.map(({ id }) => id), ...load.accepted];
          const lost = accepted.filter((id) => !effects.has(id));
          if (lost.length > 0)
            console.log(`lost ${await broker.tell(lost)}\n${system.process.stderr.slice(-10_000)}`);
          expect(lost).toEqual([]);
          const again = [...effects.values()].filter((entries) => entries.length > 1);
          // Only what was on its way to the broker when that went away.
          const unexplained = again.filter(
            ([first]) => !outages.some(({ from, to }) => first && first.at > from - 1_000 && first.at <= to),
          );
          expect(unexplained).toEqual([]);
          expect(await broker.count("archived")).toBe(0);

          const lines = linesOf(system) - linesAtFirst;
          expect(lines).toBeLessThanOrEqual(12 * outages.length);
          expect((await system.stop()).code).toBe(0);
          return { outages: outages.length, accepted: accepted.length, duplicates: again.length, lines };
        }),
      lossTimeout(lossRounds(target)),
    );
  }

  test.skipIf(isSkipped)(
    `redis: while it is away the service is unhealthy, quiet and idle; afterwards it is ready${why}`,
    async () => {
      await using broker = await lossBroker("redis");
      using site = lossSite(target, yaml(broker.url, await freePort()));
      await broker.enqueue(numbered(500));
      await using system = site.start();
      await system.ready();
      const admin = await system.url();
      const state = async () => {
        const status = await (await fetch(`${admin}/api/v1/status`)).json();
        return (status as { services: { name: string; state: string }[] }).services.find(
          ({ name }) => name === "consumer",
        )?.state;
      };
      await broker.server?.stop("SIGKILL");
      expect(await until(state, (now) => now === "unhealthy")).toBe("unhealthy");
      expect((await fetch(`${admin}/readyz`)).status).toBe(503);
      const before = { lines: linesOf(system), cpu: cpuMs(system) };
      await Bun.sleep(3_000);
      const after = { lines: linesOf(system), cpu: cpuMs(system) };
      console.log(
        `${target.name}: redis away for 3 s: ${after.cpu - before.cpu} ms of CPU, ${after.lines - before.lines} lines`,
      );
      expect(after.lines - before.lines).toBeLessThanOrEqual(3);
      expect(after.cpu - before.cpu).toBeLessThan(450);
      await broker.server?.start();
      await untilAllIsDone(broker, system);
      expect(await until(state, (now) => now === "ready")).toBe("ready");
      expect((await fetch(`${admin}/readyz`)).status).toBe(200);
      expect(effectsOf(site.journal()).size).toBe(500);
      expect((await system.stop()).code).toBe(0);
    },
    lossTimeout(1),
  );
});

async function outage({ server }: LossBroker, signal: NodeJS.Signals, ms: number): Promise<Outage> {
  const from = Date.now();
  await server?.stop(signal);
  await Bun.sleep(ms);
  await server?.start();
  return { from, to: Date.now() };
}

async function untilAllIsDone(broker: LossBroker, system: System): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await broker.isEmpty().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not all was done\n${system.process.stderr.slice(-5_000)}`);
    await Bun.sleep(50);
  }
}

function linesOf({ process }: System): number {
  return process.stderr.split("\n").length;
}

/** What the process has used, in ticks of 10 ms. */
function cpuMs({ process }: System): number {
  const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
