import { join } from "node:path";
import type { LossBroker } from "./loss-broker.ts";
import type { JournalEntry, Life } from "./loss-journal.ts";
import { readJournal } from "./loss-journal.ts";
import type { System } from "./system.ts";
import { startFile } from "./system.ts";
import type { Target } from "./targets.ts";
import type { TempDir } from "./temp-dir.ts";
import { tempDir } from "./temp-dir.ts";

/** A services.yaml that is run again and again on one broker. */
export interface LossSite extends Disposable {
  readonly folder: TempDir;
  journal(): JournalEntry[];
  start(env?: Readonly<Record<string, string>>): System;
}

export function lossSite(target: Target, yaml: string): LossSite {
  const folder = tempDir({ "services.yaml": yaml });
  const journal = join(folder.path, "journal");
  return {
    folder,
    journal: () => readJournal(journal),
    start: (env = {}) =>
      startFile(target, join(folder.path, "services.yaml"), {
        env: { LOSS_JOURNAL: journal, LOSS_MERCY: join(folder.path, "mercy"), ...env },
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

export interface LivesOptions {
  readonly site: LossSite;
  readonly broker: LossBroker;
  readonly signal: NodeJS.Signals;
  readonly random: () => number;
  /** How long a life lasts at most, in milliseconds: half of them from the start, the others from when all is ready. */
  readonly longestMs: number;
  /** When there is nothing to do any more. */
  readonly isOver: () => Promise<boolean>;
  /** How one of them ended, if that is a mistake it throws. */
  readonly ended?: (system: System) => Promise<void> | void;
}

/** Starts the supervisor again and again and sends `signal` at random points, until `isOver`; then it stops it. */
export async function lives(options: LivesOptions): Promise<Life[]> {
  const { site, broker, signal, random, longestMs, isOver } = options;
  const ended: Life[] = [];
  for (;;) {
    await using system = site.start();
    if (random() < 0.5) await Bun.sleep(random() * longestMs);
    else {
      await system.ready();
      await Bun.sleep(random() * longestMs);
    }
    const isLast = await isOver();
    if (isLast) await system.ready();
    const exit = await system.stop(isLast ? "SIGTERM" : signal);
    await options.ended?.(system);
    if (isLast) {
      if (exit.code !== 0) throw new Error(`the last one ended with ${exit.code}: ${system.process.stderr}`);
      return ended;
    }
    ended.push({ pid: system.process.pid, unsettled: await broker.unsettled() });
  }
}
