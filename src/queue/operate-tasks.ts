import { SupervisorError } from "../core/errors.ts";
import type {
  ActAnswer,
  BrokenQueue,
  QueueAnswers,
  QueueCommand,
  RefusedTask,
  TaskSelection,
} from "../core/queue-command.ts";
import type { TaskAction, TaskFilter, TaskInfo, TaskPage, TaskState } from "../core/task.ts";
import type { Inspector } from "./driver.ts";
import { queueNamed, queueNames } from "./operate-queues.ts";

/** A count of tasks that fit a filter is given up there: each of them has to be looked at. */
const mostCounted = 100_000;
const pageSize = 1_000;
/** Characters of a payload or result in a list; the task by itself has all of it. */
const longestInList = 4_096;

/** The states in which an action can be done to a task. */
const eligible: Readonly<Record<TaskAction, readonly TaskState[]>> = {
  run: ["scheduled", "retry", "aggregating"],
  retry: ["scheduled", "retry", "aggregating", "archived", "completed"],
  archive: ["pending", "scheduled", "retry", "aggregating"],
  delete: ["pending", "scheduled", "retry", "aggregating", "archived", "completed"],
  cancel: ["active"],
};

/**
 * One page of the tasks of a queue, or of all, one queue after the other by name: one that is broken keeps nobody from
 * the others.
 *
 * @throws SupervisorError UNKNOWN_QUEUE, BAD_REQUEST when no page has ended with `after`, BROKER_KEY of the named queue
 */
export async function listTasks(
  inspector: Inspector,
  { queue, filter, limit, after }: Extract<QueueCommand, { tag: "tasks" }>,
): Promise<QueueAnswers["tasks"]> {
  const names = await queuesOf(inspector, queue);
  // A page ends with where the next begins: QUEUE/WHERE, and no name has a slash.
  if (after !== undefined && !after.includes("/")) throw noPage(after);
  const [from = "", ...rest] = (after ?? "").split("/");
  let where = rest.join("/");
  const tasks: TaskInfo[] = [];
  const broken: BrokenQueue[] = [];
  const told = () => ({ tasks, ...(broken.length > 0 ? { broken } : {}) });
  for (const name of names.filter((one) => one >= from)) {
    if (tasks.length === limit) return { ...told(), next: `${name}/` };
    const room = limit - tasks.length;
    const isWhere = name === from && where !== "";
    const asked = { limit: room, ...(isWhere ? { after: where } : {}) };
    const page = await inspector.tasks(name, filter, asked).catch((error): TaskPage => {
      if (queue === undefined && error instanceof SupervisorError && error.code === "BROKER_KEY") {
        broken.push({ queue: name, problem: error.message });
        return { tasks: [] };
      }
      throw error instanceof RangeError && after !== undefined ? noPage(after) : error;
    });
    where = "";
    for (const task of page.tasks) tasks.push(shortened(task));
    if (page.next !== undefined) return { ...told(), next: `${name}/${page.next}` };
  }
  return told();
}

function noPage(after: string): SupervisorError {
  const hint = 'Pass the "next" of the page before as it is, or leave it out for the first page.';
  return new SupervisorError("BAD_REQUEST", `No page of tasks ends with ${JSON.stringify(after)}`, hint);
}

/** @throws SupervisorError UNKNOWN_TASK */
export async function taskNamed(
  inspector: Inspector,
  id: string,
  queue: string | undefined,
): Promise<TaskInfo> {
  const task = await findIn(inspector, id, await queuesOf(inspector, queue));
  if (task) return task;
  const where = queue === undefined ? "The broker has" : `The queue "${queue}" has`;
  const hint = "One that is done is kept only for its retention; supervisor task ls shows what there is.";
  throw new SupervisorError("UNKNOWN_TASK", `${where} no task "${id}"`, hint);
}

/**
 * Does `action` to all tasks that fit; those named by their ids one by one, so that it can be said which it was not
 * done to. `dryRun` only counts. @throws SupervisorError UNKNOWN_QUEUE
 */
export async function actOnTasks(
  inspector: Inspector,
  { queue, filter, action, dryRun }: TaskSelection & { action: TaskAction; dryRun: boolean },
): Promise<ActAnswer> {
  const queues = await queuesOf(inspector, queue);
  if (dryRun) return countTasks(inspector, queues, filter, action);
  if (filter.ids) return actOnIds(inspector, queues, filter, action);
  let count = 0;
  for (const name of queues) count += await inspector.act(name, action, filter);
  return { count, dryRun: false };
}

async function actOnIds(
  inspector: Inspector,
  queues: readonly string[],
  filter: TaskFilter,
  action: TaskAction,
): Promise<ActAnswer> {
  let count = 0;
  const refused: RefusedTask[] = [];
  for (const id of new Set(filter.ids)) {
    const task = await findIn(inspector, id, queues);
    const done = task ? await inspector.act(task.queue, action, { ...filter, ids: [id] }) : 0;
    count += done;
    if (done === 0) refused.push(task ? refusalOf(task, filter, action) : { id });
  }
  return { count, dryRun: false, ...(refused.length > 0 ? { refused } : {}) };
}

function refusalOf({ id, state }: TaskInfo, filter: TaskFilter, action: TaskAction): RefusedTask {
  const { ids, ...rest } = filter;
  const isUnmeant =
    Object.values(rest).some((value) => value !== undefined) && eligible[action].includes(state);
  return { id, state, ...(isUnmeant ? { unmeant: true } : {}) };
}

async function countTasks(
  inspector: Inspector,
  queues: readonly string[],
  filter: TaskFilter,
  action: TaskAction,
): Promise<ActAnswer> {
  const states = eligible[action].filter((state) => filter.state === undefined || filter.state === state);
  const isSimple =
    !filter.ids && filter.type === undefined && filter.since === undefined && filter.error === undefined;
  let count = 0;
  if (isSimple) {
    for (const info of await inspector.queues()) {
      if (queues.includes(info.queue)) for (const state of states) count += info.counts[state];
    }
    return { count, dryRun: true };
  }
  for (const name of queues) {
    for (const state of states) {
      count += await countIn(inspector, name, { ...filter, state }, mostCounted - count);
      if (count >= mostCounted) return { count, dryRun: true, more: true };
    }
  }
  return { count, dryRun: true };
}

async function countIn(
  inspector: Inspector,
  queue: string,
  filter: TaskFilter,
  most: number,
): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const limit = Math.min(pageSize, most - count);
    const page = await inspector.tasks(queue, filter, { limit, ...(after === undefined ? {} : { after }) });
    count += page.tasks.length;
    after = page.next;
  } while (after !== undefined && count < most);
  return count;
}

async function queuesOf(inspector: Inspector, queue: string | undefined): Promise<readonly string[]> {
  return queue === undefined ? queueNames(inspector) : [await queueNamed(inspector, queue)];
}

async function findIn(
  inspector: Inspector,
  id: string,
  queues: readonly string[],
): Promise<TaskInfo | undefined> {
  for (const queue of queues) {
    const task = await inspector.task(queue, id);
    if (task) return task;
  }
  return undefined;
}

function shortened(task: TaskInfo): TaskInfo {
  const { payload, result } = task;
  if (payload.length <= longestInList && (result?.length ?? 0) <= longestInList) return task;
  return { ...task, payload: cut(payload), ...(result === undefined ? {} : { result: cut(result) }) };
}

function cut(text: string): string {
  return text.length <= longestInList ? text : `${text.slice(0, longestInList)}…`;
}
