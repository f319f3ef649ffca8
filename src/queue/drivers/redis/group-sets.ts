import type { CommitResult, GroupLimits, GroupSet, NewTask } from "../../driver.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { commitGroupScript, dueGroupsScript, releaseGroupScript } from "./lua/groups.ts";
import { script } from "./script.ts";
import { enqueueBefore } from "./settlements.ts";
import { deliveryOf, taskValues } from "./task-form.ts";
import { decodeTaskMessage } from "./task-message.ts";
import type { Times } from "./time.ts";

/** Groups of tasks that become one task. `unique` makes the ids of sets differ from those of others. */
export function createGroupSets(link: Link, times: Times, unique: string) {
  let count = 0;
  return {
    async due(queues: readonly string[], limits: GroupLimits | undefined): Promise<readonly GroupSet[]> {
      if (!limits) return [];
      const sets: GroupSet[] = [];
      for (const queue of queues) {
        const now = times.ms();
        const id = `${unique.replaceAll(":", "-")}-${++count}`;
        const args = [now, limits.grace, limits.maxDelay, limits.maxSize, id];
        const found = (await link.run(dueCall, [keys.queue(queue)], args)) as [
          Buffer,
          Buffer,
          (Buffer | null)[][],
        ][];
        for (const [group, set, tasks] of found) {
          sets.push({
            id: String(set),
            queue,
            group: String(group),
            tasks: tasks.map(([task, message = null, at = null, key = null, exact = null]) =>
              deliveryOf(
                decodeTaskMessage(message as Buffer, { id: String(task), queue }),
                now,
                [null, at, key, exact],
                nobody,
                now,
              ),
            ),
          });
        }
      }
      return sets;
    },
    async commit(set: GroupSet, task: NewTask): Promise<CommitResult> {
      const ms = times.ms();
      const args: Argument[] = [set.group, set.id, ms, times.micros(1)];
      await link.command("SADD", keys.queues, task.queue);
      if (link.isCluster && task.queue !== set.queue) {
        const refused = meanings[await enqueueBefore(link, times, task, set.id)];
        if (refused) return refused;
      } else args.push(keys.queue(task.queue), ...taskValues(task, ms));
      return meanings[String(await link.run(commitCall, [keys.queue(set.queue)], args))] ?? "settled";
    },
    async release(set: GroupSet): Promise<void> {
      await link.run(releaseCall, [keys.queue(set.queue)], [set.group, set.id]);
    },
  };
}

/** Tasks of a set have no lease of their own. */
const nobody = { name: "", leaseEnd: 0 };
const meanings: Readonly<Record<string, Exclude<CommitResult, "settled">>> = {
  l: "lost",
  c: "conflict",
  d: "duplicate",
};
const dueCall = script(dueGroupsScript);
const commitCall = script(commitGroupScript);
const releaseCall = script(releaseGroupScript);
