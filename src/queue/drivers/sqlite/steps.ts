import { dayOf } from "../task-view.ts";
import type { Statements } from "./statements.ts";

/** One transaction, as the steps in it see it. */
export interface Transaction {
  readonly sql: Statements;
  readonly now: number;
  /** The number of a queue; it is made when it is new. */
  queue(name: string): number;
  /** Tasks of this queue may be claimed now, or at another time than was known. */
  touch(queue: number): void;
  /** Attempts that have ended. */
  count(queue: number, processed: number, failed: number): void;
  /** This queue has another archived task. */
  archived(queue: number): void;
}

export interface OpenTransaction extends Transaction {
  readonly touched: ReadonlySet<number>;
  readonly archivedIn: ReadonlySet<number>;
  /** Writes what was counted; the last thing before the commit. */
  writeCounts(): void;
  /** What was learnt in it is not true: the numbers of new queues. */
  forget(): void;
}

/** `queues` remembers numbers from one transaction to the next: queues are never removed. */
export function beginTransaction(sql: Statements, now: number, queues: Map<string, number>): OpenTransaction {
  const touched = new Set<number>();
  const archivedIn = new Set<number>();
  const counts = new Map<number, { processed: number; failed: number }>();
  const fresh: string[] = [];
  return {
    sql,
    now,
    touched,
    archivedIn,
    queue(name) {
      const known = queues.get(name);
      if (known !== undefined) return known;
      const row = sql.findQueue.get(name) ?? sql.addQueue.get(name);
      const id = Number(row?.id);
      queues.set(name, id);
      fresh.push(name);
      return id;
    },
    touch: (queue) => touched.add(queue),
    archived: (queue) => archivedIn.add(queue),
    count(queue, processed, failed) {
      const sum = counts.get(queue);
      if (!sum) counts.set(queue, { processed, failed });
      else {
        sum.processed += processed;
        sum.failed += failed;
      }
    },
    writeCounts() {
      for (const [queue, { processed, failed }] of counts) {
        sql.addTotals.run(processed, failed, queue);
        sql.addDay.run(queue, dayOf(now), processed, failed);
      }
    },
    forget() {
      for (const name of fresh) queues.delete(name);
    },
  };
}
