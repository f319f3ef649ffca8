import { parseMoment } from "../core/moment.ts";
import type { EnqueueRequest, QueueAnswers } from "../core/queue-command.ts";
import type { EnqueueOptions, Queue } from "../service/message.ts";
import { invalidTask, shown } from "./producer-invalid.ts";

/** Enqueues what came as JSON: times may be texts. @throws SupervisorError TASK_… or BROKER_… */
export async function enqueueFor(queue: Queue, request: EnqueueRequest): Promise<QueueAnswers["enqueue"]> {
  const { type, payload, at, deadline, ...others } = request;
  // Whatever they hold is checked by the queue, name by name.
  const options: EnqueueOptions = {
    ...others,
    ...(at === undefined ? {} : { at: timeOf(type, "at", at) }),
    ...(deadline === undefined ? {} : { deadline: timeOf(type, "deadline", deadline) }),
  };
  return queue.enqueue(type, payload, options);
}

function timeOf(type: string, name: string, value: unknown): number {
  if (typeof value === "number") return value;
  // A duration has nothing that it could be measured from here: that is what `delay` is for.
  const time = typeof value === "string" ? parseMoment(value, Number.NaN, "ahead") : undefined;
  if (time !== undefined && !Number.isNaN(time)) return time;
  const hint = "Write it like 2026-11-21T10:00:00Z.";
  throw invalidTask(type, `${name} cannot be ${shown(value)}`, hint);
}
