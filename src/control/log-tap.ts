import { createBatch } from "./batch.ts";
import type { ToOperator } from "./protocol.ts";

/** Takes a copy of every line of the log, for whoever asks later. */
export interface LogTap {
  readonly copy: (service: string, line: string) => void;
  /** From now on lines cross; those that were said before, too. */
  connect(post: (message: ToOperator) => void): void;
  /** Sends what waits: nothing may be left behind when the thread ends. */
  flush(): void;
}

// Taken before `scopeTimers` wraps them.
const { setTimeout, queueMicrotask } = globalThis;
const most = { items: 2_000, characters: 1_048_576 };

export function createLogTap(): LogTap {
  let post: ((message: ToOperator) => void) | undefined;
  const batch = createBatch<readonly [string, string]>({
    send: (lines, dropped) => post?.({ type: "lines", lines: lines.flat(), dropped }),
    most,
    now: () => performance.now(),
    soon: queueMicrotask,
    later: (callback, delayMs) => void setTimeout(callback, delayMs).unref(),
  });
  batch.hold();
  return {
    copy: (service, line) => batch.add([service, line], line.length),
    connect(connected) {
      post = connected;
      batch.release();
    },
    flush: batch.flush,
  };
}
