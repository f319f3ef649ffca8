import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Driver } from "../../src/queue/driver.ts";
import { tasks } from "../contract/queue-site.ts";

export interface CrashReport {
  /** Messages without an effect. */
  readonly lost: number;
  /** Effects beyond one for each message. */
  readonly duplicates: number;
  readonly kills: number;
}

/**
 * Enqueues numbered messages and kills their consumers, each a process of its own, at random points, until all are
 * done. `driver` is the one of this process, on the same broker: `kind` and `url` say which.
 */
export async function crashRun(
  driver: Driver,
  { kind, url, effects, messages }: { kind: string; url: string; effects: string; messages: number },
): Promise<CrashReport> {
  const made = tasks("m", messages);
  let enqueued = false;
  // While consumers come and go: in small calls, so that both processes want to write all the time.
  const enqueuing = (async () => {
    for (let from = 0; from < messages; from += 25) await driver.enqueue(made.slice(from, from + 25));
    enqueued = true;
  })();
  let kills = 0;
  const end = performance.now() + 120_000;
  while (!(enqueued && (await isEmpty(driver)))) {
    if (performance.now() > end) throw new Error("not all messages were done within two minutes");
    const script = join(import.meta.dirname, "crash-consumer.ts");
    const child = spawn(process.execPath, [script, kind, url, effects], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "exit");
    await Promise.race([once(child.stdout, "data"), exit]);
    await Promise.race([sleep(20 + Math.random() * 150), exit]);
    child.kill("SIGKILL");
    await exit;
    kills++;
  }
  await enqueuing;
  const lines = existsSync(effects) ? readFileSync(effects, "utf8").split("\n").filter(Boolean) : [];
  const done = new Set(lines);
  return { lost: made.filter(({ id }) => !done.has(id)).length, duplicates: lines.length - done.size, kills };
}

async function isEmpty(driver: Driver): Promise<boolean> {
  const counts = (await driver.inspector.queues()).find(({ queue }) => queue === "q")?.counts;
  return counts !== undefined && counts.pending + counts.active + counts.retry + counts.scheduled === 0;
}
