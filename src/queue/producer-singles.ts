import type { EnqueueResult, NewTask } from "./driver.ts";

interface Waiting {
  readonly task: NewTask;
  readonly resolve: (result: EnqueueResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Tasks in one call, at most: a broker does nothing else meanwhile. */
const mostAtOnce = 1_000;

/** Tasks that are enqueued one by one in the same turn of the event loop go to the broker together. */
export function createSingles(
  send: (tasks: readonly NewTask[]) => Promise<readonly EnqueueResult[]>,
): (task: NewTask) => Promise<EnqueueResult> {
  let waiting: Waiting[] = [];

  function flush(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += mostAtOnce)
      void sendPart(all.slice(from, from + mostAtOnce));
  }

  async function sendPart(part: readonly Waiting[]): Promise<void> {
    try {
      const results = await send(part.map(({ task }) => task));
      for (const [index, { resolve }] of part.entries()) resolve(results[index] as EnqueueResult);
    } catch (error) {
      for (const { reject } of part) reject(error);
    }
  }

  return (task) =>
    new Promise((resolve, reject) => {
      waiting.push({ task, resolve, reject });
      if (waiting.length === 1) queueMicrotask(flush);
    });
}
