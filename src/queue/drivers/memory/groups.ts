import type { CommitResult, GroupLimits, GroupSet, NewTask, QueueWeight } from "../../driver.ts";
import { deliveryOf } from "./claim.ts";
import { enqueueOne, refusal } from "./enqueue.ts";
import type { Queue, Store, Task } from "./store.ts";
import { queueOf, remove } from "./store.ts";

const setLife = 120_000;

/** Groups that are due; their tasks belong to the set until it is settled or two minutes have passed. */
export function takeDueGroups(
  store: Store,
  queues: readonly QueueWeight[],
  limits: GroupLimits,
  now: number,
): GroupSet[] {
  dropStaleSets(store, now);
  return queues.flatMap(({ queue: name }) => {
    const queue = queueOf(store, name);
    if (queue.paused) return [];
    return [...groupsOf(queue)].flatMap(([group, tasks]) => {
      if (!isDue(tasks, limits, now)) return [];
      const taken = limits.maxSize > 0 ? tasks.slice(0, limits.maxSize) : tasks;
      const id = `${name}:${group}:${++store.count}`;
      store.sets.set(id, { queue: name, until: now + setLife });
      for (const task of taken) task.set = id;
      return [{ id, queue: name, group, tasks: taken.map((task) => deliveryOf(queue, task, 0)) }];
    });
  });
}

export function commitSet(store: Store, set: GroupSet, task: NewTask, now: number): CommitResult {
  dropStaleSets(store, now);
  if (!store.sets.has(set.id)) return "lost";
  const refused = refusal(store, task, now, ({ set: id }) => id === set.id);
  if (refused) return refused;
  store.sets.delete(set.id);
  const queue = queueOf(store, set.queue);
  for (const member of membersOf(queue, set.id)) remove(queue, member);
  enqueueOne(store, task, now);
  return "settled";
}

export function releaseSet(store: Store, set: GroupSet): void {
  store.sets.delete(set.id);
  for (const member of membersOf(queueOf(store, set.queue), set.id)) delete member.set;
}

function dropStaleSets(store: Store, now: number): void {
  for (const [id, { queue, until }] of store.sets) {
    if (until > now) continue;
    store.sets.delete(id);
    for (const member of membersOf(queueOf(store, queue), id)) delete member.set;
  }
}

function groupsOf(queue: Queue): Map<string, Task[]> {
  const groups = new Map<string, Task[]>();
  for (const task of queue.tasks.values()) {
    if (task.phase !== "aggregating" || task.set !== undefined || task.made.group === undefined) continue;
    const tasks = groups.get(task.made.group);
    if (tasks) tasks.push(task);
    else groups.set(task.made.group, [task]);
  }
  return groups;
}

/** `tasks` is in the order of arrival and not empty. */
function isDue(tasks: readonly Task[], { grace, maxDelay, maxSize }: GroupLimits, now: number): boolean {
  const [oldest, newest] = [tasks[0] as Task, tasks.at(-1) as Task];
  if (maxSize > 0 && tasks.length >= maxSize) return true;
  if (maxDelay > 0 && oldest.enqueuedAt <= now - maxDelay) return true;
  return grace > 0 && newest.enqueuedAt <= now - grace;
}

function membersOf(queue: Queue, set: string): Task[] {
  return [...queue.tasks.values()].filter((task) => task.set === set);
}
