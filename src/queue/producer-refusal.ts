import { SupervisorError } from "../core/errors.ts";
import type { NewTask } from "./driver.ts";

/** Why a broker did not take a task, as the error that its producer gets. */
export function refusalOf(
  { id, type, queue }: NewTask,
  tag: "duplicate" | "conflict",
  broker: string,
): SupervisorError {
  if (tag === "duplicate") {
    return new SupervisorError(
      "TASK_DUPLICATE",
      `"${type}" with this payload waits in the queue "${queue}" of "${broker}" already`,
      "unique forbids a second one; it may be enqueued again when the first is done, or its lock has ended.",
    );
  }
  return new SupervisorError(
    "TASK_CONFLICT",
    `The queue "${queue}" of "${broker}" has a task with the id "${id}" already`,
    "It counts in every state, also archived or kept with its result: delete it, or choose another id.",
  );
}
