import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { QueueAnswers } from "../core/queue-command.ts";
import type { QueueInfo, ServerInfo, TaskState } from "../core/task.ts";
import type { Inspector } from "./driver.ts";

/** What `queue drain` deletes, as BullMQ's drain does: not what is worked on, nor what has ended. */
const waiting = ["pending", "scheduled", "retry"] as const satisfies readonly TaskState[];

/** All names, sorted. */
export async function queueNames(inspector: Inspector): Promise<readonly string[]> {
  return (await inspector.queues()).map(({ queue }) => queue).sort();
}

/** The name, when the broker knows such a queue or somebody consumes it. @throws SupervisorError UNKNOWN_QUEUE */
export async function queueNamed(inspector: Inspector, name: string): Promise<string> {
  const names = await queueNames(inspector);
  if (names.includes(name)) return name;
  const consumed = (await inspector.servers()).flatMap(({ queues }) => Object.keys(queues));
  if (consumed.includes(name)) return name;
  throw unknownQueue(name, [...new Set([...names, ...consumed])]);
}

/** @throws SupervisorError UNKNOWN_QUEUE */
export async function queueWithServers(
  inspector: Inspector,
  name: string,
): Promise<{ queue: QueueInfo; servers: readonly ServerInfo[] }> {
  const [infos, all] = await Promise.all([inspector.queues(), inspector.servers()]);
  const queue = infos.find((info) => info.queue === name);
  const servers = all.filter(({ queues }) => name in queues);
  if (queue) return { queue, servers };
  if (servers.length === 0) {
    throw unknownQueue(
      name,
      infos.map((info) => info.queue),
    );
  }
  return { queue: emptyQueue(name), servers };
}

/** Deletes all tasks that wait; `dryRun` only counts them. */
export async function drainQueue(
  inspector: Inspector,
  queue: string,
  dryRun: boolean,
): Promise<QueueAnswers["drain"]> {
  let count = 0;
  if (dryRun) {
    const info = (await inspector.queues()).find((one) => one.queue === queue);
    for (const state of waiting) count += info?.counts[state] ?? 0;
  } else {
    for (const state of waiting) count += await inspector.act(queue, "delete", { state });
  }
  return { queue, count, dryRun };
}

function unknownQueue(name: string, names: readonly string[]): SupervisorError {
  const near = nearest(name, names);
  const known = names.length > 0 ? `Known queues: ${names.join(", ")}.` : "Nothing has been enqueued yet.";
  const message = `The broker has no queue "${name}"`;
  return new SupervisorError("UNKNOWN_QUEUE", message, near ? `Did you mean "${near}"?` : known);
}

/** Somebody consumes it, and nothing has come yet. */
function emptyQueue(queue: string): QueueInfo {
  return {
    queue,
    paused: false,
    counts: { pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0, completed: 0, aggregating: 0 },
    held: 0,
    latency: 0,
    processed: 0,
    failed: 0,
    processedTotal: 0,
    failedTotal: 0,
  };
}
