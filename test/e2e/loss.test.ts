import { expect, test } from "bun:test";
import { freePort } from "../support/free-port.ts";
import type { LossBroker } from "../support/loss-broker.ts";
import { brokerKinds, lossBroker, numbered } from "../support/loss-broker.ts";
import { judge } from "../support/loss-journal.ts";
import { lives, lossSite } from "../support/loss-lives.ts";
import { enqueueLoad } from "../support/loss-load.ts";
import { isLeftOut, lossMessages, lossRounds, lossTimeout, repeat } from "../support/loss-rounds.ts";
import { fixtures } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets } from "../support/targets.ts";

/*
 * Processes that consume are ended at random points until everything is done: nothing may be lost, and what is done
 * twice must have been unsettled when the process that did it first was killed. test/support/loss-rounds.ts says how to
 * run it for long.
 */

const yaml = (broker: string, desk = "") => `
name: loss
admin: false
brokers: { main: "${broker}" }
services:
  consumer:
    module: ${fixtures}/loss-consumer.ts
    consume: { queue: numbers, concurrency: 10 }
    config: { takes: 4 }
${desk}`;

const longest = ({ name }: Target) => (name === "binary" ? 500 : 1_200);

describeTargets("nothing is lost", (target) => {
  for (const { kind, lacks } of brokerKinds) {
    const lossTest = (name: string, run: () => Promise<void>) =>
      test.skipIf(lacks !== undefined || isLeftOut(kind))(
        `${kind}: ${name}${lacks ? ` (skipped: ${lacks})` : ""}`,
        run,
        lossTimeout(lossRounds(target)),
      );

    lossTest("consumers killed with SIGKILL do again only what they had not settled", () =>
      repeat(`${kind}: SIGKILL`, target, async ({ random }) => {
        await using broker = await lossBroker(kind);
        using site = lossSite(target, yaml(broker.url));
        const made = numbered(lossMessages);
        const enqueuing = whileTheyRun(broker, made);
        const killed = await lives({
          site,
          broker,
          signal: "SIGKILL",
          random,
          longestMs: longest(target),
          isOver: async () => enqueuing.isOver && (await broker.isEmpty()),
        });
        const journal = site.journal();
        const verdict = judge(
          made.map(({ id }) => id),
          journal,
          killed,
        );
        expect({ lost: verdict.lost, unexplained: verdict.unexplained }).toEqual({
          lost: [],
          unexplained: [],
        });
        expect(await broker.count("archived")).toBe(0);
        // A death is no failed attempt.
        expect(journal.filter(({ attempt }) => attempt !== 1)).toEqual([]);
        const { lost, duplicates } = verdict;
        return { kills: killed.length, lost: lost.length, duplicates };
      }),
    );

    lossTest("consumers ended with SIGTERM under load do nothing twice, and end well", () =>
      repeat(`${kind}: SIGTERM`, target, async ({ random }) => {
        await using broker = await lossBroker(kind);
        using site = lossSite(target, yaml(broker.url));
        const made = numbered(lossMessages);
        const enqueuing = whileTheyRun(broker, made);
        const ended = await lives({
          site,
          broker,
          signal: "SIGTERM",
          random,
          longestMs: longest(target),
          isOver: async () => enqueuing.isOver && (await broker.isEmpty()),
          async ended({ process }) {
            const { code, signal } = await process.exit;
            // Before it had begun anything at all, a signal does what it always does.
            const hadNotBegun = signal === "SIGTERM" && process.stderr === "";
            if (!hadNotBegun && code !== 0) throw new Error(`exit ${code ?? signal}: ${process.stderr}`);
          },
        });
        expect(ended.flatMap(({ unsettled }) => [...unsettled])).toEqual([]);
        const ids = made.map(({ id }) => id);
        const { lost, duplicates } = judge(ids, site.journal(), ended);
        expect({ lost, duplicates }).toEqual({ lost: [], duplicates: 0 });
        return { stops: ended.length, lost: lost.length, duplicates };
      }),
    );

    lossTest("what was answered 200 is consumed, whenever the process that accepted it is killed", () =>
      repeat(`${kind}: enqueue`, target, async ({ random }) => {
        await using broker = await lossBroker(kind);
        const port = await freePort();
        const desk = `  desk: { module: ${fixtures}/loss-desk.ts, http: { port: ${port} } }\n`;
        using site = lossSite(target, yaml(broker.url, desk));
        const load = enqueueLoad(`http://127.0.0.1:${port}`, lossMessages);
        const killed = await lives({
          site,
          broker,
          signal: "SIGKILL",
          random,
          longestMs: longest(target),
          isOver: async () => load.isOver && (await broker.isEmpty()),
        });
        const { lost, duplicates, unexplained } = judge(load.accepted, site.journal(), killed);
        expect({ lost, unexplained }).toEqual({ lost: [], unexplained: [] });
        return { kills: killed.length, asked: load.asked, accepted: load.accepted.length, duplicates };
      }),
    );
  }
});

/** Enqueues while consumers come and go, so that others write to the broker all the time. */
function whileTheyRun(broker: LossBroker, tasks: ReturnType<typeof numbered>): { readonly isOver: boolean } {
  const state = { isOver: false };
  void broker.enqueue(tasks).then(() => {
    state.isOver = true;
  });
  return state;
}
