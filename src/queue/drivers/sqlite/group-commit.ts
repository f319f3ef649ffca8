import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import type { Clock } from "../../../core/clock.ts";
import type { Fault } from "./faults.ts";
import { faultOf, full, unreachable } from "./faults.ts";
import type { Statements } from "./statements.ts";
import type { OpenTransaction, Transaction } from "./steps.ts";
import { beginTransaction } from "./steps.ts";

/**
 * Everything that writes waits here for the next turn of the event loop, and is then written by one transaction: one
 * flush of the disk for all. Steps are synchronous and may run again after a rollback: they change nothing but the
 * database.
 */
export interface GroupCommit {
  /**
   * Resolves with what `step` returned when that is on the disk. Rejects with what it threw; with BROKER_FULL at once
   * when `full` is "reject" and there is no room; with BROKER_UNREACHABLE when nothing could be written for `patience`.
   */
  write<T>(step: (tx: Transaction) => T, options?: { readonly full?: "reject" }): Promise<T>;
  /** Runs the next transaction although nothing is to be written: for those who claim. */
  wake(): void;
  /** Rejects when it failed as `write` does. */
  read<T>(ask: (db: DatabaseSync) => T): Promise<T>;
  /** Writes what waits, and takes no more. */
  close(): Promise<void>;
}

export interface GroupCommitOptions {
  readonly db: DatabaseSync;
  readonly sql: Statements;
  readonly clock: Clock;
  readonly random: () => number;
  /** Runs last in each transaction: those who wait for tasks claim. What it returns is done after the commit. */
  readonly claim: (tx: OpenTransaction) => () => void;
  /** Undefined: it writes again. Told at most once per change. */
  readonly onTrouble: (error: Error | undefined) => void;
  readonly file: string;
  /** Whether the path still leads to the file that is open. */
  readonly isThere: () => boolean;
}

interface Job {
  readonly step: (tx: Transaction) => unknown;
  readonly rejectsFull: boolean;
  readonly since: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  result?: unknown;
}

/** How long a call waits for a file that cannot be written, in milliseconds. */
const patience = 5_000;
/** How often it is looked whether the file is still there, in milliseconds. */
const seenMs = 1_000;
/** How often a file in trouble that nobody writes is tried, in milliseconds. */
const probeMs = 2_000;
/** A transaction takes no more steps after this, so that the event loop is not blocked for longer, in milliseconds. */
const turn = 4;

export function createGroupCommit(options: GroupCommitOptions): GroupCommit {
  const { db, sql, clock, random, claim, onTrouble, file, isThere } = options;
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const queues = new Map<string, number>();
  let waiting: Job[] = [];
  let next: "none" | "turn" | "later" = "none";
  let cancelLater = () => {};
  let failures = 0;
  let troubled = false;
  let lastNow = 0;
  let seenAt = -Infinity;
  let closing: (() => void) | undefined;
  let closed = false;

  /** The wall clock, but small steps back stand still: what is enqueued later never goes before. */
  function steadyNow(): number {
    const wall = Math.floor(clock.wall());
    if (wall >= lastNow || lastNow - wall > 1_000) lastNow = wall;
    return lastNow;
  }

  function schedule(): void {
    if (next !== "none" || closed) return;
    next = "turn";
    setImmediate(flush);
  }

  function flush(): void {
    if (closed) return;
    next = "none";
    const { done, afterwards, fault, error } = transact();
    if (fault === undefined) {
      afterwards?.();
      failures = 0;
      if (troubled) onTrouble(undefined);
      troubled = false;
      for (const job of done) job.resolve(job.result);
      if (waiting.length > 0) schedule();
      else closing?.();
      return;
    }
    postpone(fault, error);
  }

  /** Runs what waits; on failure nothing of it happened, and everything waits again. */
  function transact(): { done: Job[]; afterwards?: () => void; fault?: Fault; error?: unknown } {
    const jobs = waiting;
    waiting = [];
    let current: Job | undefined;
    let at = 0;
    let isOpen = false;
    let tx: OpenTransaction | undefined;
    try {
      ensureThere();
      begin.run();
      isOpen = true;
      tx = beginTransaction(sql, steadyNow(), queues);
      const end = performance.now() + turn;
      while (at < jobs.length) {
        current = jobs[at] as Job;
        current.result = current.step(tx);
        at++;
        if (performance.now() > end) break;
      }
      current = undefined;
      const afterwards = claim(tx);
      tx.writeCounts();
      commit.run();
      isOpen = false;
      waiting = at < jobs.length ? [...jobs.slice(at), ...waiting] : waiting;
      return { done: at < jobs.length ? jobs.slice(0, at) : jobs, afterwards };
    } catch (error) {
      tx?.forget();
      if (isOpen) undo();
      const fault = faultOf(error);
      if (fault === "defect" && current) {
        // Only this step is wrong: the others run again without it.
        current.reject(error);
        waiting = [...jobs.filter((job) => job !== current), ...waiting];
        schedule();
        return { done: [] };
      }
      waiting = [...jobs, ...waiting];
      return { done: [], fault, error };
    }
  }

  /** What is written to a file that has no name any more is gone with this process: better to accept nothing. */
  function ensureThere(): void {
    if (clock.now() - seenAt < seenMs) return;
    if (!isThere()) throw new Error(`unable to open it: ${file} was removed or replaced while it was in use`);
    seenAt = clock.now();
  }

  function undo(): void {
    try {
      rollback.run();
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }

  /** Waits without blocking, longer each time; a file that another process writes just now is no trouble yet. */
  function postpone(fault: Fault, error: unknown): void {
    failures++;
    const now = clock.now();
    const why = error instanceof Error ? error : new Error(String(error));
    const isLasting = fault !== "busy" || waiting.some((job) => now - job.since >= patience);
    if (isLasting && !troubled) {
      troubled = true;
      onTrouble(why);
    }
    const late = waiting.filter(
      (job) => now - job.since >= patience || (fault === "full" && job.rejectsFull),
    );
    waiting = waiting.filter((job) => !late.includes(job));
    for (const job of late)
      job.reject(fault === "full" && job.rejectsFull ? full(file, why) : unreachable(file, why));
    if (waiting.length === 0 && closing) closing();
    else if (fault === "busy") later(Math.min(50, 2 ** failures), flush);
    else if (waiting.length === 0) later(probeMs, probe);
    else if (late.length > 0) schedule();
    else later(Math.min(1_000, 2 ** failures), flush);
  }

  /** Nobody may write while there is trouble: so that its end is noticed, something is written. */
  function probe(): void {
    next = "none";
    if (troubled && waiting.length === 0) void write(() => sql.probe.run()).catch(() => {});
    else schedule();
  }

  function later(delayMs: number, what: () => void): void {
    if (what === flush) next = "later";
    cancelLater();
    cancelLater = clock.after(Math.ceil(delayMs * (0.5 + random() / 2)), what);
  }

  function write<T>(step: (tx: Transaction) => T, how: { readonly full?: "reject" } = {}): Promise<T> {
    if (closed || closing) return Promise.reject(unreachable(file, new Error("it is closed")));
    return new Promise((resolve, reject) => {
      waiting.push({
        step,
        rejectsFull: how.full === "reject",
        since: clock.now(),
        resolve: resolve as (result: unknown) => void,
        reject,
      });
      schedule();
    });
  }

  return {
    write,
    wake: schedule,
    async read(ask) {
      if (closed) throw unreachable(file, new Error("it is closed"));
      try {
        return ask(db);
      } catch (error) {
        throw faultOf(error) === "defect" ? error : unreachable(file, error as Error);
      }
    },
    close() {
      return new Promise((resolve) => {
        closing = () => {
          closed = true;
          cancelLater();
          resolve();
        };
        if (waiting.length === 0) closing();
      });
    },
  };
}
