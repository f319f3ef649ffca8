import { expect, test } from "bun:test";
import { brokerKinds, lossBroker, numbered } from "../support/loss-broker.ts";
import { effectsOf } from "../support/loss-journal.ts";
import { lossSite } from "../support/loss-lives.ts";
import { isLeftOut, lossTimeout } from "../support/loss-rounds.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";

/* Ends that no round of loss.test.ts meets by chance. */

const yaml = (broker: string, fixture: string) => `
name: odd
admin: false
brokers: { main: "${broker}" }
services:
  consumer:
    module: ${fixtures}/${fixture}.ts
    consume: { queue: numbers, concurrency: 10 }
`;

describeTargets("odd ends", (target) => {
  for (const { kind, lacks } of brokerKinds) {
    const oddTest = (name: string, run: () => Promise<void>) =>
      test.skipIf(lacks !== undefined || isLeftOut(kind))(
        `${kind}: ${name}${lacks ? ` (skipped: ${lacks})` : ""}`,
        run,
        lossTimeout(1),
      );

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
  }
});
