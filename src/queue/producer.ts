import type { Clock } from "../core/clock.ts";
import type {
  EnqueuedTask,
  EnqueueOptions,
  EnqueueOutcome,
  FoundTask,
  Queue,
  TaskRequest,
} from "../service/message.ts";
import { chainHeader, firstOfChain } from "./chain.ts";
import type { Driver, EnqueueResult, NewTask } from "./driver.ts";
import { cancelTask, findTask } from "./producer-find.ts";
import { createTaskIds } from "./producer-ids.ts";
import { assertRequests, readOptions, runAtOf } from "./producer-options.ts";
import { serializePayload, uniqueKeyOf } from "./producer-payload.ts";
import { refusalOf } from "./producer-refusal.ts";
import { createSingles } from "./producer-singles.ts";

export interface QueueOptions {
  /** Its name in services.yaml, for errors. */
  readonly broker: string;
  /** Asked for each call: a reload may have opened another one. */
  readonly driver: () => Driver | Promise<Driver>;
  readonly clock: Clock;
  /** @default UUIDs of version 7 */
  readonly newId?: () => string;
}

/** `ctx.queue(broker)`. Holds nothing that would have to be closed. */
export function createQueue(options: QueueOptions): Queue {
  const { broker, driver, clock } = options;
  const newId = options.newId ?? createTaskIds(() => clock.wall());
  const single = createSingles(async (tasks) => (await driver()).enqueue(tasks));

  async function enqueueOne(request: TaskRequest, chain?: string): Promise<EnqueuedTask> {
    const task = newTask(request, newId, clock.wall(), chain);
    const result = await single(task);
    if (result.tag !== "enqueued") throw refusalOf(task, result.tag, broker);
    return enqueued(task, result);
  }

  return {
    enqueue: async (type, payload, given: EnqueueOptions = {}) => enqueueOne({ ...given, type, payload }),
    async enqueueAll(requests) {
      assertRequests(requests);
      const now = clock.wall();
      const tasks = requests.map((request) => newTask(request, newId, now));
      if (tasks.length === 0) return [];
      const results = await (await driver()).enqueue(tasks);
      return tasks.map((task, index) => outcomeOf(task, results[index] as EnqueueResult));
    },
    async chain(steps) {
      assertRequests(steps);
      const { request, header } = firstOfChain(steps, newId, clock.wall());
      return enqueueOne(request, header);
    },
    find: async (id, where = {}): Promise<FoundTask | undefined> =>
      findTask((await driver()).inspector, id, where.queue),
    cancel: async (id, where = {}) => cancelTask((await driver()).inspector, id, where.queue),
  };
}

/**
 * What a broker is given for a request; `now` is the wall clock, `chain` the header that the first step of one carries.
 *
 * @throws SupervisorError TASK_INVALID
 */
export function newTask(request: TaskRequest, newId: () => string, now: number, chain?: string): NewTask {
  const { type, queue, id, key, group, unique, headers, delay, at, ...rest } = readOptions(request, now);
  const payload = serializePayload(request.payload, type);
  const runAt = runAtOf(
    { ...(delay === undefined ? {} : { delay }), ...(at === undefined ? {} : { at }) },
    now,
  );
  const allHeaders = chain === undefined ? headers : { ...headers, [chainHeader]: chain };
  return {
    id: id ?? newId(),
    queue,
    type,
    payload,
    ...rest,
    ...(allHeaders === undefined ? {} : { headers: allHeaders }),
    ...(key === undefined ? {} : { key }),
    ...(group === undefined ? {} : { group }),
    ...(runAt === undefined ? {} : { runAt }),
    ...(unique === undefined
      ? {}
      : {
          unique: {
            key: uniqueKeyOf(queue, type, request.payload === undefined ? undefined : payload),
            ttl: unique,
          },
        }),
  };
}

/** A time that comes while the task is on its way to the broker makes no difference to who asked for it. */
function enqueued({ id, queue, runAt }: NewTask, result: EnqueueResult & { tag: "enqueued" }): EnqueuedTask {
  if (runAt !== undefined) return { id, queue, state: "scheduled" };
  return { id, queue, state: result.state === "aggregating" ? "aggregating" : "pending" };
}

function outcomeOf(task: NewTask, result: EnqueueResult): EnqueueOutcome {
  if (result.tag === "enqueued") return { ok: true, ...enqueued(task, result) };
  return { ok: false, id: task.id, code: result.tag === "duplicate" ? "TASK_DUPLICATE" : "TASK_CONFLICT" };
}
