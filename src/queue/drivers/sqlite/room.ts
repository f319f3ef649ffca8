import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../../core/clock.ts";
import { SupervisorError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { isUnwritable } from "./faults.ts";

export interface Room {
  /** @throws SupervisorError BROKER_FULL */
  assert(): void;
  /** Why the file cannot be opened: SQLite calls a disk without any room a failing one. */
  why(error: Error): Error;
}

export interface RoomOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Bytes that are free on the disk of the file; it may throw. */
  readonly free?: (file: string) => number;
}

/**
 * What new tasks leave free, in bytes. To settle a task is to write, too: on a disk that is full to the last byte nothing
 * can be removed, so what consumers need is kept for them (a write-ahead log of 4 MiB, the same again when it is moved).
 */
const reserve = 16 * 1024 * 1024;
/** What the index of a write-ahead log takes at least, in bytes. */
const page = 32 * 1024;
/** How often it is looked, in milliseconds: a fast disk takes some megabytes meanwhile. */
const seenMs = 50;

/** Refuses new tasks while there is little room left. Told in the log at changes only. */
export function createRoom({ file, clock, log, free = freeOf }: RoomOptions): Room {
  let seenAt = Number.NEGATIVE_INFINITY;
  let isShort = false;

  function look(): void {
    if (clock.now() - seenAt < seenMs) return;
    seenAt = clock.now();
    const was = isShort;
    try {
      isShort = free(file) < reserve;
    } catch {
      // Where that cannot be asked, or the file is gone, writing will tell.
      isShort = false;
    }
    if (isShort && !was) log.warn(`${sentence(file)}; what waits is still consumed`);
    if (!isShort && was) log.info(`The queue ${file} takes new tasks again`);
  }

  function hasNone(): boolean {
    try {
      return free(file) < page;
    } catch {
      // Where that cannot be asked, what SQLite says has to do.
      return false;
    }
  }

  return {
    assert() {
      look();
      if (!isShort) return;
      throw new SupervisorError(
        "BROKER_FULL",
        sentence(file),
        "Make room on that disk: what waits is still consumed, and new tasks are taken again at once.",
      );
    },
    why(error) {
      return isUnwritable(error) && hasNone() ? new Error("its disk is full", { cause: error }) : error;
    },
  };
}

function sentence(file: string): string {
  return `The queue ${file} takes no new tasks: less than ${reserve / 1024 / 1024} MiB are free on its disk`;
}

function freeOf(file: string): number {
  // It may not have been made yet.
  const { bavail, bsize } = statfsSync(existsSync(file) ? file : dirname(file));
  return bavail * bsize;
}
