import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../../../core/clock.ts";
import { pragma } from "./database.ts";
import type { Statements } from "./statements.ts";
import { slice } from "./statements.ts";
import type { OpenTransaction } from "./steps.ts";

export interface Upkeep {
  /** Within a transaction: removes what has expired, for as long as it blocks nobody. */
  within(tx: OpenTransaction): void;
  /** Something was committed. */
  written(): void;
  /** Once a second while nothing happens: gives room back. True: there is something to do within a transaction. */
  idle(): boolean;
}

/** Pages that are given back to the disk at once. */
const pages = 256;
/** How long one transaction removes, in milliseconds; what is left waits for the next one. */
const turn = 2;

/** Keeps the file small, in slices that block nobody. */
export function createUpkeep(db: DatabaseSync, sql: Statements, clock: Clock): Upkeep {
  let cleanedAt = -Infinity;
  let writtenAt = clock.now();
  let isTidy = true;
  let isBehind = false;
  const archived = new Set<number>();

  /** Runs a statement that removes a slice until it finds no full one; false when the time was over before. */
  function removeAll(statement: StatementSync, value: number, end: number): boolean {
    for (;;) {
      if (Number(statement.run(value).changes) < slice) return true;
      if (performance.now() > end) return false;
    }
  }

  return {
    within(tx) {
      for (const queue of tx.archivedIn) archived.add(queue);
      if (clock.now() - cleanedAt < 1_000 && !isBehind) return;
      cleanedAt = clock.now();
      const end = performance.now() + turn;
      isBehind = ![sql.expire, sql.expireLocks].every((statement) => removeAll(statement, tx.now, end));
      for (const queue of archived) {
        if (removeAll(sql.trimArchive, queue, end)) archived.delete(queue);
        else isBehind = true;
      }
      sql.expireCancels.run(tx.now - 60_000);
    },
    written() {
      writtenAt = clock.now();
      isTidy = false;
    },
    idle() {
      const isDue = isBehind || clock.now() - cleanedAt > 60_000;
      if (isTidy || clock.now() - writtenAt < 2_000) return isDue;
      try {
        const free = pragma(db, "freelist_count");
        if (free > pages) db.exec(`PRAGMA incremental_vacuum(${pages})`);
        db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        isTidy = free <= pages;
      } catch {
        // Another process uses it: next time.
      }
      return isDue;
    },
  };
}
