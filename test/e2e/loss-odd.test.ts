import { expect, test } from "bun:test";
import { brokerKinds, lossBroker, numbered } from "../support/loss-broker.ts";
import type { Life } from "../support/loss-journal.ts";
import { effectsOf, judge } from "../support/loss-journal.ts";
import { lossSite } from "../support/loss-lives.ts";
import { isLeftOut, lossTimeout } from "../support/loss-rounds.ts";
import { fixtures } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

/* Ends that no round of loss.test.ts meets by chance. */

const yaml = (broker: string, fixture: string) => `
name: odd
admin: false
shutdown: { timeout: 1s }
brokers: { main: "${broker}" }
services:
  consumer:
    module: ${fixtures}/${fixture}.ts
    consume: { queue: numbers, concurrency: 10 }
    config: { takes: 40 }
`;

/** Which broker it is makes no difference to the runtime: the source does it with one of them. */
const kindsOf = ({ name }: Target) => (name === "binary" ? brokerKinds : brokerKinds.slice(0, 1));

type BrokerTest = (name: string, run: () => Promise<void>) => void;

/** Says how a test with this broker is declared: skipped without it. */
const declared =
  ({ kind, lacks }: (typeof brokerKinds)[number], how: typeof test): BrokerTest =>
  (name, run) =>
    how.skipIf(lacks !== undefined || isLeftOut(kind))(
      `${kind}: ${name}${lacks ? ` (skipped: ${lacks})` : ""}`,
      run,
      lossTimeout(1),
    );

describeTargets("odd ends", (target) => {
  for (const broken of kindsOf(target)) {
    const { kind } = broken;
    const oddTest = declared(broken, test);

    for (const how of ["freeze", "wait"]) {
      for (const signals of [["SIGTERM"], ["SIGTERM", "SIGTERM"]] as const) {
        oddTest(
          `${signals.join(" and ")} while a handler ${how === "freeze" ? "blocks the event loop" : "ignores its signal"} loses nothing, and does again only what was not settled`,
          async () => {
            await using broker = await lossBroker(kind);
            using site = lossSite(target, yaml(broker.url, "loss-stuck"));
            const made = numbered(60);
            await broker.enqueue(made);
            await using first = site.start({ LOSS_STUCK: how });
            await until(
              async () => site.journal(),
              (all) => all.some(({ id, mark }) => id === "n5" && mark === "b"),
            );
            await Bun.sleep(300);
            first.process.signal("SIGTERM");
            if (signals.length > 1) {
              await Bun.sleep(200);
              first.process.signal("SIGTERM");
            }
            const exit = await first.process.exit;
            // 75: cut off at the end of the budget; 143: at once, by the second signal.
            expect(exit.code ?? exit.signal).toBe(signals.length > 1 ? 143 : 75);
            const unsettled = await broker.unsettled();
            const pid = first.process.pid;
            await using second = site.start();
            await second.ready();
            expect(await until(() => broker.isEmpty(), Boolean)).toBe(true);
            expect((await second.stop()).code).toBe(0);
            const journal = site.journal();
            const ids = made.map(({ id }) => id);
            const { lost, unexplained } = judge(ids, journal, [{ pid, unsettled }]);
            expect({ lost, unexplained }).toEqual({ lost: [], unexplained: [] });
            expect(await broker.count("archived")).toBe(0);
            expect(journal.filter(({ attempt }) => attempt !== 1)).toEqual([]);
          },
        );
      }
    }
  }
});

// Suspects wait for their turn: these do so at the same time.
describeTargets("deaths in a row", (target) => {
  for (const broken of kindsOf(target)) {
    const { kind } = broken;
    const oddTest = declared(broken, test.concurrent);

    oddTest("a message that kills its process again and again goes to the archive alone", async () => {
      await using broker = await lossBroker(kind);
      using site = lossSite(target, yaml(broker.url, "loss-killer"));
      await broker.enqueue(numbered(40));
      let deaths = 0;
      while (!(await broker.isEmpty())) {
        await using system = site.start();
        const emptied = (async () => {
          while (!(await broker.isEmpty())) await Bun.sleep(20);
        })();
        const exit = await Promise.race([system.process.exit, emptied]);
        if (exit) deaths++;
        else expect((await system.stop()).code).toBe(0);
        expect(deaths).toBeLessThan(10);
      }
      expect(deaths).toBe(5);
      expect(await broker.count("archived")).toBe(1);
      const done = effectsOf(site.journal());
      expect(done.has("n3")).toBe(false);
      expect(done.size).toBe(39);
    });

    oddTest("a message that kills its process delays its own key only", async () => {
      await using broker = await lossBroker(kind);
      using site = lossSite(target, yaml(broker.url, "loss-killer"));
      const made = numbered(200, (n) => ({ key: `k${n % 4}` }));
      await broker.enqueue(made);
      // The fourth time it begins when there is nothing else to do, or the process is ten seconds old.
      for (let death = 1; death <= 4; death++) {
        await using system = site.start();
        await system.process.exit;
      }
      const done = effectsOf(site.journal());
      const others = made.filter(({ key }) => key !== "k3");
      expect(others.filter(({ id }) => !done.has(id)).map(({ id }) => id)).toEqual([]);
    });

    oddTest("four kills in a row, each as soon as something has begun, archive nothing", async () => {
      await using broker = await lossBroker(kind);
      using site = lossSite(target, yaml(broker.url, "loss-consumer"));
      const made = numbered(400);
      await broker.enqueue(made);
      const killed: Life[] = [];
      for (let death = 0; death < 4; death++) {
        await using system = site.start();
        const before = site.journal().length;
        await until(
          async () => site.journal().length,
          (length) => length > before,
        );
        await system.stop("SIGKILL");
        killed.push({ pid: system.process.pid, unsettled: await broker.unsettled() });
      }
      await using last = site.start();
      await last.ready();
      // What was there at three deaths comes one at a time, and not before the process is ten seconds old.
      expect(await until(() => broker.isEmpty(), Boolean, 45_000)).toBe(true);
      expect((await last.stop()).code).toBe(0);
      const { lost, unexplained } = judge(
        made.map(({ id }) => id),
        site.journal(),
        killed,
      );
      expect({ lost, unexplained }).toEqual({ lost: [], unexplained: [] });
      expect(await broker.count("archived")).toBe(0);
    });
  }
});
