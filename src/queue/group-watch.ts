import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { Inspector } from "./driver.ts";
import { textOf } from "./retry.ts";

export interface GroupWatchOptions {
  readonly service: string;
  readonly queues: readonly string[];
  readonly inspector: Pick<Inspector, "tasks">;
  readonly clock: Clock;
  readonly log: Logger;
}

const firstMs = 60_000;
const everyMs = 600_000;

/**
 * Looks, for a consumer that makes no groups, whether tasks of a group wait in its queues: nobody might ever take them.
 * Each queue is warned of once. Returns what ends it.
 */
export function watchGroups({ service, queues, inspector, clock, log }: GroupWatchOptions): () => void {
  const quiet = new Set(queues);
  let isOver = false;
  let cancel = clock.after(firstMs, look);

  function look(): void {
    void Promise.all([...quiet].map(lookAt)).then(() => {
      if (!isOver && quiet.size > 0) cancel = clock.after(everyMs, look);
    });
  }

  async function lookAt(queue: string): Promise<void> {
    try {
      const { tasks } = await inspector.tasks(queue, { state: "aggregating" }, { limit: 1 });
      const [task] = tasks;
      if (!task || isOver) return;
      quiet.delete(queue);
      log.warn("Tasks of a group wait in a queue whose consumer has no consume.group", {
        service,
        queue,
        group: task.group,
        hint: "Add consume.group and aggregate(), unless another consumer of the queue has them: they wait for ever",
      });
    } catch (error) {
      // The consumer itself says when its broker is away; this only looks again later.
      log.debug("It could not be seen whether groups wait", { service, queue, error: textOf(error) });
    }
  }

  return () => {
    isOver = true;
    cancel();
  };
}
