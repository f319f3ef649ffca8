import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../core/clock.ts";
import { pragma } from "./database.ts";
import type { Statements } from "./statements.ts";
import type { OpenTransaction } from "./steps.ts";

export interface Upkeep {
  /** Within a transaction, once a second at most: removes a slice of what has expired. */
  within(tx: OpenTransaction): void;
  /** Something was committed. */
  written(): void;
  /** Once a second while nothing happens: gives room back. */
  idle(): void;
}

/** Pages that are given back to the disk at once. */
const slice = 256;

/** Keeps the file small, in slices that block nobody. */
export function createUpkeep(db: DatabaseSync, sql: Statements, clock: Clock): Upkeep {
  let cleanedAt = -Infinity;
  let writtenAt = clock.now();
  let isTidy = true;
  const archived = new Set<number>();
  return {
    within(tx) {
      for (const queue of tx.archivedIn) archived.add(queue);
      if (clock.now() - cleanedAt < 1_000) return;
      cleanedAt = clock.now();
      sql.expire.run(tx.now);
      sql.expireLocks.run(tx.now);
      sql.expireCancels.run(tx.now - 60_000);
      for (const queue of archived) sql.trimArchive.run(queue);
      archived.clear();
    },
    written() {
      writtenAt = clock.now();
      isTidy = false;
    },
    idle() {
      if (isTidy || clock.now() - writtenAt < 2_000) return;
      try {
        const free = pragma(db, "freelist_count");
        if (free > slice) db.exec(`PRAGMA incremental_vacuum(${slice})`);
        db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        isTidy = free <= slice;
      } catch {
        // Another process uses it: next time.
      }
    },
  };
}
