import { expect, test } from "bun:test";
import { brokerKinds, lossBroker, numbered } from "../support/loss-broker.ts";
import type { JournalEntry, Life } from "../support/loss-journal.ts";
import { judge } from "../support/loss-journal.ts";
import type { LossSite } from "../support/loss-lives.ts";
import { lossSite } from "../support/loss-lives.ts";
import { isLeftOut, lossMessages, lossRounds, lossTimeout, repeat } from "../support/loss-rounds.ts";
import { fixtures } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";

/*
 * Fifty keys, of which one begins with a message that always fails; others fail now and then. Whatever restarts in
 * between, each key keeps its order, and nobody waits for the poison but those behind it.
 */

const keys = 50;
const poison = "n7";
const poisonKey = "k7";

const yaml = (broker: string, isolation: string) => `
name: order
admin: false
brokers: { main: "${broker}" }
services:
  consumer:
    module: ${fixtures}/loss-order.ts
    isolation: ${isolation}
    consume:
      queue: numbers
      concurrency: 20
      retry: { backoff: { min: 10ms, max: 60ms } }
`;

describeTargets("order per key", (target) => {
  // What the runtimes do differently is the thread: the source does that, with one broker; the binary does all.
  const kinds = target.name === "binary" ? brokerKinds : brokerKinds.slice(0, 1);
  for (const { kind, lacks } of kinds) {
    for (const isolation of target.name === "binary" ? ["inline", "worker"] : ["worker"]) {
      test.skipIf(lacks !== undefined || isLeftOut(kind))(
        `${kind}, ${isolation}: holds through failures, stops and a kill, and a poison message delays its own key only${lacks ? ` (skipped: ${lacks})` : ""}`,
        () =>
          repeat(`${kind}: order, ${isolation}`, target, async ({ random }) => {
            await using broker = await lossBroker(kind);
            using site = lossSite(target, yaml(broker.url, isolation));
            const made = numbered(lossMessages, (n) => ({
              key: `k${n % keys}`,
              ...(`n${n}` === poison ? { maxRetry: 30 } : { maxRetry: 1_000 }),
            }));
            const others = made.filter(({ key }) => key !== poisonKey).length;
            await broker.enqueue(made);

            const killed: Life[] = [];
            const shares = [0.25, 0.5, 0.75].map((share) => share + (random() - 0.5) / 5);
            for (const [index, share] of shares.entries()) {
              await using system = site.start();
              await effects(site, Math.floor(others * share));
              const exit = await system.stop(index === 1 ? "SIGKILL" : "SIGTERM");
              if (index !== 1) expect(exit.code).toBe(0);
              else killed.push({ pid: system.process.pid, unsettled: await broker.unsettled() });
            }
            await using last = site.start();
            const all = await effects(site, others);
            const poisoned = all.filter(({ key }) => key === poisonKey);
            // All others were done while the poison was still being tried: nobody of its key has begun.
            expect(new Set(poisoned.map(({ id }) => id))).toEqual(new Set([poison]));
            expect(await broker.count("archived")).toBe(0);
            site.folder.write("mercy", "");
            await effects(site, made.length - 1);
            expect((await last.stop()).code).toBe(0);
            expect(await broker.count("archived")).toBe(1);
            expect(await broker.isEmpty()).toBe(true);

            const journal = site.journal();
            expect(disorder(journal)).toEqual([]);
            const ids = made.map(({ id }) => id).filter((id) => id !== poison);
            const { lost, duplicates, unexplained } = judge(ids, journal, killed);
            expect({ lost, unexplained }).toEqual({ lost: [], unexplained: [] });
            const failures = journal.filter(({ mark }) => mark === "b").length - made.length - duplicates;
            return { duplicates, failures, poisonAttempts: journal.filter(({ id }) => id === poison).length };
          }),
        lossTimeout(lossRounds(target)),
      );
    }
  }
});

/** What was written once so many messages have had their effect. */
async function effects(site: LossSite, many: number): Promise<readonly JournalEntry[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const journal = site.journal();
    const done = new Set(journal.filter(({ mark }) => mark === "e").map(({ id }) => id));
    if (done.size >= many) return journal;
    if (performance.now() > end) throw new Error(`only ${done.size} of ${many} messages were done`);
    await Bun.sleep(20);
  }
}

/**
 * What began before all earlier ones of its key had had their effect, or, in the same process, after a later one. What a
 * killed process had not settled is done again by the next one, in its order too.
 */
function disorder(journal: readonly JournalEntry[]): string[] {
  const next = new Map<string, number>();
  const latest = new Map<string, number>();
  const wrong: string[] = [];
  const done = new Set<string>([poison]);
  for (const { mark, id, key, pid } of journal) {
    const n = Number(id.slice(1));
    if (mark === "e") {
      done.add(id);
      continue;
    }
    let expected = next.get(key) ?? Number(key.slice(1));
    while (expected < n && done.has(`n${expected}`)) expected += keys;
    next.set(key, Math.min(expected, n));
    if (expected < n) wrong.push(`${id} began before n${expected} of ${key} was done`);
    const life = `${pid} ${key}`;
    if (n < (latest.get(life) ?? 0)) wrong.push(`${id} began again after n${latest.get(life)} of ${key}`);
    latest.set(life, Math.max(n, latest.get(life) ?? 0));
  }
  return wrong;
}
