import { realpathSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../core/clock.ts";
import type { Delivery, QueueWeight } from "../../driver.ts";
import type { SqliteAddress } from "./address.ts";
import type { Ask } from "./ask.ts";
import { createAsk } from "./ask.ts";
import { nextDue } from "./claim.ts";
import { openDatabase, openToRead } from "./database.ts";
import type { GroupCommit } from "./group-commit.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { Statements } from "./statements.ts";
import { prepareAll } from "./statements.ts";
import type { OpenTransaction, Transaction } from "./steps.ts";
import { createUpkeep } from "./upkeep.ts";

/** One file, open once in this process however many drivers use it. */
export interface Store {
  readonly commit: GroupCommit;
  readonly sql: Statements;
  readonly ask: Ask;
  /** A number that no lease of this file ever had. */
  token(): number;
  /** Waits in line for tasks of these queues; the returned function leaves the line. */
  wait(claimer: Claimer): () => void;
  /** Is told of cancels, and keeps the store looking for what other processes did. */
  listen(onCancel: (taskId: string) => void): () => void;
  /** Hands on what `cancels` has that was not told yet. */
  tellCancels(): void;
  onTrouble(listener: (error: Error | undefined) => void): () => void;
  /** The last one to close it closes the file. */
  close(): Promise<void>;
}

export interface Claimer {
  readonly queues: readonly QueueWeight[];
  /** Within a transaction; what it took is handed over by `give`, once it is on the disk. */
  take(tx: Transaction): readonly Delivery[];
  give(deliveries: readonly Delivery[]): void;
}

export interface StoreOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

const stores = new Map<string, { readonly store: Store; users: number }>();

/**
 * Opens the file, or joins those who have it open. Whoever opened it must close it.
 *
 * @throws what `openDatabase` throws
 */
export function joinStore(address: SqliteAddress, options: StoreOptions): Store {
  const known = stores.get(nameOf(address.file));
  if (known) {
    known.users++;
    return known.store;
  }
  const db = openDatabase(address);
  const name = nameOf(address.file);
  const opened = openStore(db, address.file, options);
  const shared = {
    users: 1,
    store: {
      ...opened,
      async close() {
        if (--shared.users > 0) return;
        stores.delete(name);
        await opened.close();
      },
    },
  };
  stores.set(name, shared);
  return shared.store;
}

/** Opens a file that cannot be written, for whoever looks only. @throws what `openToRead` throws */
export function openReadingStore(address: SqliteAddress, options: StoreOptions): Store {
  return openStore(openToRead(address), address.file, options);
}

/** At most this often the file is asked whether another process wrote it, in milliseconds. */
const pollMs = 1_000;
// Timers that are longer than 24 days fire at once.
const longestWait = 3_600_000;

function openStore(db: DatabaseSync, file: string, { clock, random }: StoreOptions): Store {
  const sql = prepareAll(db);
  const ask = createAsk(db);
  const upkeep = createUpkeep(db, sql, clock);
  const line = new Set<Claimer>();
  /** Those who have not looked yet. */
  const fresh = new Set<Claimer>();
  const listeners = new Set<(taskId: string) => void>();
  const troubleListeners = new Set<(error: Error | undefined) => void>();
  // Unlike all that any other process, or this one in an earlier life, has begun with.
  let token = Math.floor(random() * 2 ** 21) * 2 ** 31 + Math.floor(random() * 2 ** 31);
  let version = Number(sql.dataVersion.get()?.data_version);
  let lastCancel = Number(ask.one("SELECT max(n) AS n FROM cancels")?.n ?? 0);
  /** Whether more than the touched queues has to be looked at: something was written elsewhere, or its time has come. */
  let lookAtAll = true;
  let timerAt = Infinity;
  let cancelTimer = () => {};
  let cancelPoll: (() => void) | undefined;

  const { ino } = statSync(file);
  const isThere = () => statSync(file, { throwIfNoEntry: false })?.ino === ino;

  const commit = createGroupCommit({
    db,
    sql,
    clock,
    random,
    file,
    isThere,
    claim,
    onTrouble(error) {
      for (const listener of troubleListeners) listener(error);
    },
  });

  /** Those in line take what they can, the one who came first before the others. */
  function claim(tx: OpenTransaction): () => void {
    upkeep.within(tx);
    const served: [Claimer, readonly Delivery[]][] = [];
    let next = Infinity;
    for (const claimer of line) {
      const mayTake =
        lookAtAll ||
        fresh.has(claimer) ||
        claimer.queues.some(({ queue }) => tx.touched.has(tx.queue(queue)));
      if (!mayTake) continue;
      const taken = claimer.take(tx);
      if (taken.length > 0) served.push([claimer, taken]);
      else next = Math.min(next, nextDue(tx, claimer.queues));
    }
    return () => {
      lookAtAll = false;
      fresh.clear();
      for (const [claimer, taken] of served) {
        line.delete(claimer);
        claimer.give(taken);
      }
      if (next < timerAt) wakeAt(next);
      upkeep.written();
    };
  }

  function wakeAt(time: number): void {
    cancelTimer();
    timerAt = time;
    cancelTimer = clock.after(Math.min(Math.max(1, time - clock.wall()), longestWait), () => {
      timerAt = Infinity;
      lookAgain();
    });
  }

  function lookAgain(): void {
    if (line.size === 0) return;
    lookAtAll = true;
    commit.wake();
  }

  /** What other processes did shows in a number that SQLite keeps; looking at it costs a system call. */
  function poll(): void {
    cancelPoll = clock.after(pollMs, poll);
    let current: number;
    try {
      current = Number(sql.dataVersion.get()?.data_version);
    } catch {
      // It is busy or away: those who write find out, and tell. The next look is in a second.
      return;
    }
    if (upkeep.idle() || !isThere()) commit.wake();
    if (current === version) return;
    version = current;
    tellCancels();
    lookAgain();
  }

  function tellCancels(): void {
    for (const { n, task } of sql.newCancels.all(lastCancel)) {
      lastCancel = Number(n);
      for (const listener of listeners) listener(String(task));
    }
  }

  return {
    commit,
    sql,
    ask,
    token: () => ++token,
    wait(claimer) {
      line.add(claimer);
      fresh.add(claimer);
      commit.wake();
      return () => {
        line.delete(claimer);
        fresh.delete(claimer);
      };
    },
    listen(onCancel) {
      listeners.add(onCancel);
      cancelPoll ??= clock.after(pollMs, poll);
      return () => {
        listeners.delete(onCancel);
        if (listeners.size > 0) return;
        cancelPoll?.();
        cancelPoll = undefined;
      };
    },
    tellCancels,
    onTrouble(listener) {
      troubleListeners.add(listener);
      return () => troubleListeners.delete(listener);
    },
    async close() {
      await commit.close();
      cancelTimer();
      cancelPoll?.();
      db.close();
    },
  };
}

function nameOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // It is not there yet.
    return file;
  }
}
