import type { Clock } from "../../../core/clock.ts";
import { sleep } from "../../../core/clock.ts";
import type { Client } from "./connect.ts";
import { keys } from "./keys.ts";
import type { Link } from "./link.ts";

/**
 * Tells who waits that a queue has something, within milliseconds and without polling: asynq's client only pushes to
 * the pending list, so somebody has to block on that list. `BLMOVE pending pending RIGHT RIGHT` does, and takes
 * nothing: the task that is next is put back where it was. One connection per queue, and only while somebody waits.
 */
export interface Watch {
  /** A number that changes whenever one of the queues may have something. */
  mark(queues: readonly string[]): number;
  /** Something may have come to this queue. */
  stir(queue: string): void;
  /** Resolves when the mark of `queues` is no longer `mark`, or `signal` aborts. `paused` ones are not blocked on. */
  changed(
    queues: readonly string[],
    paused: ReadonlySet<string>,
    mark: number,
    signal: AbortSignal,
  ): Promise<void>;
  close(): void;
}

export function createWatch(link: Link, clock: Clock): Watch {
  const stirred = new Map<string, number>();
  const waiting = new Set<{ readonly queues: readonly string[]; readonly wake: () => void }>();
  const blocked = new Map<string, number>();
  const clients = new Map<string, Promise<Client>>();
  const closed = new AbortController();
  const mark = (queues: readonly string[]) =>
    queues.reduce((sum, queue) => sum + (stirred.get(queue) ?? 0), 0);

  function stir(queue: string): void {
    stirred.set(queue, (stirred.get(queue) ?? 0) + 1);
    for (const waiter of waiting) if (waiter.queues.includes(queue)) waiter.wake();
  }

  /** Blocks for as long as somebody waits for the queue. */
  async function block(queue: string): Promise<void> {
    blocked.set(queue, (blocked.get(queue) ?? 0) + 1);
    if (blocked.get(queue) !== 1) return;
    while (!closed.signal.aborted && [...waiting].some(({ queues }) => queues.includes(queue))) {
      try {
        const client = await clientFor(queue);
        const key = keys.pending(queue);
        if (await client.callBuffer("BLMOVE", key, key, "RIGHT", "RIGHT", blockSeconds)) {
          stir(queue);
          break;
        }
      } catch {
        // The connection of its own was lost, or is not there yet. The main one tells everybody that cares.
        await link.untilUp(closed.signal);
        await sleep(clock, 100, closed.signal);
      }
    }
    blocked.delete(queue);
  }

  function clientFor(queue: string): Promise<Client> {
    let client = clients.get(queue);
    if (!client) {
      client = new Promise((resolve, reject) => {
        link.side("wait", { onReady: resolve }).catch(reject);
      });
      clients.set(queue, client);
    }
    return client;
  }

  return {
    mark,
    stir,
    changed(queues, paused, from, signal) {
      return new Promise((resolve) => {
        const waiter = { queues, wake: done };
        waiting.add(waiter);
        signal.addEventListener("abort", done, { once: true });
        closed.signal.addEventListener("abort", done, { once: true });
        function done() {
          waiting.delete(waiter);
          signal.removeEventListener("abort", done);
          closed.signal.removeEventListener("abort", done);
          resolve();
        }
        if (mark(queues) !== from || signal.aborted || closed.signal.aborted) return done();
        for (const queue of queues) if (!paused.has(queue)) void block(queue);
      });
    },
    close() {
      closed.abort();
    },
  };
}

/** Longer saves nothing; shorter finds a connection that is dead without saying so sooner. */
const blockSeconds = 10;
