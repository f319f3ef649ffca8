import type { NewTask, Settlement } from "../driver.ts";

/** What becomes of an ack whose `next` cannot be enqueued, because another task has its id. */
export function deadInstead(
  { delivery, unblocks, heir }: Settlement,
  next: NewTask,
): Settlement & { tag: "dead" } {
  return {
    tag: "dead",
    delivery,
    error: `The next step of the chain is not enqueued: the queue "${next.queue}" has another task with the id "${next.id}"`,
    ...(unblocks === undefined ? {} : { unblocks }),
    ...(heir ? { heir } : {}),
  };
}
