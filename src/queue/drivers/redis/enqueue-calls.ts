import type { Clock } from "../../../core/clock.ts";
import { sleep } from "../../../core/clock.ts";
import { SupervisorError } from "../../../core/errors.ts";
import type { EnqueueResult, NewTask } from "../../driver.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { untilUpWithin } from "./link.ts";
import { callScript, enqueueScript } from "./lua/enqueue.ts";
import { pack } from "./pack.ts";
import { script } from "./script.ts";
import { plainValues, taskValues } from "./task-form.ts";
import type { Times } from "./time.ts";

export interface Enqueuing {
  readonly link: Link;
  readonly clock: Clock;
  readonly times: Times;
  /** Begins the names of its calls; one of its own per driver. */
  readonly owner: string;
  /** Told when a task will be due that waits for its time. */
  readonly onDelayed: (queue: string, at: number) => void;
}

/**
 * `Driver.enqueue`. Calls that are made while others are under way are gathered: one script call takes up to 250 tasks
 * of one queue, and several are under way at once.
 *
 * A reply may be lost with its connection. What became of a call is kept in Redis for two minutes under the call's
 * name, so the same call can be made again; and when the caller gave up, the next call with the same id asks first.
 */
export function createEnqueuing({ link, clock, times, owner, onDelayed }: Enqueuing) {
  const waiting = new Map<string, Entry[]>();
  /** Tasks whose fate is unknown, by `QUEUE\0ID`. */
  const uncertain = new Map<string, { call: string; index: number }>();
  /** When a queue was last noted in asynq:queues; a tool may have removed it since. */
  const announced = new Map<string, number>();
  let calls = 0;
  let underWay = 0;
  let isScheduled = false;
  const idle = new Set<() => void>();
  link.onUp(() => announced.clear());

  function flush(): void {
    isScheduled = false;
    for (const [queue, entries] of waiting) {
      while (entries.length > 0 && underWay < mostCalls) {
        const batch = entries.splice(0, sizeOfCall(entries));
        underWay++;
        send(queue, batch)
          .catch((error: unknown) => {
            for (const { job } of batch) job.fail(error);
          })
          .finally(() => {
            underWay--;
            if (waiting.size > 0) schedule();
            else if (underWay === 0) for (const done of idle) done();
          });
      }
      if (entries.length === 0) waiting.delete(queue);
    }
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    // Everything that is enqueued in this turn of the event loop goes together.
    setImmediate(flush);
  }

  async function send(queue: string, given: Entry[]): Promise<void> {
    const batch = uncertain.size === 0 ? given : await settleUncertain(queue, given);
    if (batch.length === 0) return;
    const call = `${owner}.${++calls}`;
    const now = times.ms();
    let values: readonly [number, Uint8Array] | undefined;
    const end = clock.now() + patience;
    let answer: string;
    let mayBeThere = false;
    for (;;) {
      try {
        await untilUpWithin(link, clock, Math.max(0, end - clock.now()));
        if (clock.now() - (announced.get(queue) ?? Number.NEGATIVE_INFINITY) > announceMs) {
          await link.command("SADD", keys.queues, queue);
          announced.set(queue, clock.now());
        }
        // Not before: Redis is busy with one call while the next is written.
        const us = times.micros(batch.length);
        values ??= packed(batch, us, now);
        const args: Argument[] = [call, times.ms(), us, ...values];
        answer = String(await link.run(enqueueCall, [keys.queue(queue)], args));
        break;
      } catch (error) {
        const isPassing = error instanceof SupervisorError && error.code === "BROKER_UNREACHABLE";
        // The reply to an earlier try may be what was lost, whatever this one says.
        mayBeThere ||= isPassing;
        if (isPassing && clock.now() < end) {
          await sleep(clock, pauseMs);
          continue;
        }
        if (mayBeThere) remember(queue, batch, call);
        throw error;
      }
    }
    for (let index = 0; index < batch.length; index++) {
      const entry = batch[index] as Entry;
      const result = results[answer[index] as Letter];
      if (result.tag === "enqueued" && result.state === "scheduled")
        onDelayed(queue, entry.task.runAt as number);
      settle(entry, result);
    }
  }

  function remember(queue: string, batch: readonly Entry[], call: string): void {
    for (const [index, { task }] of batch.entries()) {
      // The oldest goes first: what is kept in Redis has ended by then.
      if (uncertain.size >= mostUncertain) uncertain.delete(uncertain.keys().next().value as string);
      uncertain.set(`${queue}\0${task.id}`, { call, index });
    }
  }

  /** Answers those that an earlier call has enqueued after all; resolves with the others. */
  async function settleUncertain(queue: string, batch: readonly Entry[]): Promise<Entry[]> {
    const others: Entry[] = [];
    const answers = new Map<string, string | undefined>();
    for (const entry of batch) {
      const earlier = uncertain.get(`${queue}\0${entry.task.id}`);
      if (!earlier) {
        others.push(entry);
        continue;
      }
      if (!answers.has(earlier.call)) {
        await untilUpWithin(link, clock, patience);
        const kept = await link.run(askCall, [keys.queue(queue)], [earlier.call]);
        answers.set(earlier.call, kept ? String(kept) : undefined);
      }
      const letter = answers.get(earlier.call)?.[earlier.index] as Letter | undefined;
      uncertain.delete(`${queue}\0${entry.task.id}`);
      if (letter) settle(entry, results[letter]);
      else others.push(entry);
    }
    return others;
  }

  function enqueue(tasks: readonly NewTask[]): Promise<readonly EnqueueResult[]> {
    if (tasks.length === 0) return Promise.resolve([]);
    return new Promise((done, fail) => {
      const job: Job = { results: new Array(tasks.length), left: tasks.length, done, fail };
      for (let index = 0; index < tasks.length; index++) {
        const entry = { task: tasks[index] as NewTask, job, index };
        const entries = waiting.get(entry.task.queue);
        if (entries) entries.push(entry);
        else waiting.set(entry.task.queue, [entry]);
      }
      schedule();
    });
  }

  /** Resolves when nothing is under way any more. */
  async function settled(): Promise<void> {
    while (waiting.size > 0 || underWay > 0) {
      await new Promise<void>((resolve) => {
        idle.add(resolve);
      });
      idle.clear();
    }
  }

  return { enqueue, settled };
}

/** How many of them one call takes: Redis refuses arguments of half a gigabyte, and is deaf meanwhile. */
function sizeOfCall(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const [index, { task }] of entries.entries()) {
    bytes += task.payload.length;
    if (index === mostTasks || (index > 0 && bytes > mostBytes)) return index;
  }
  return entries.length;
}

const enqueueCall = script(enqueueScript);
const askCall = script(callScript);

/** Tasks that were enqueued with one call. */
interface Job {
  readonly results: EnqueueResult[];
  left: number;
  readonly done: (results: readonly EnqueueResult[]) => void;
  readonly fail: (error: unknown) => void;
}

interface Entry {
  readonly task: NewTask;
  readonly job: Job;
  /** Its place among the job's. */
  readonly index: number;
}

function settle({ job, index }: Entry, result: EnqueueResult): void {
  job.results[index] = result;
  if (--job.left === 0) job.done(job.results);
}

/** How many values each task has, and the values (lua/enqueue.ts). */
function packed(batch: readonly Entry[], us: number, now: number): [number, Uint8Array] {
  const values: Argument[] = [];
  const ids = new Set<string>();
  for (const { task } of batch) {
    const plain = plainValues(task, `${us + ids.size + 1}000`, now);
    if (plain) values.push(...plain);
    if (!plain || ids.has(task.id)) return [8, pack(batch.flatMap((entry) => taskValues(entry.task, now)))];
    ids.add(task.id);
  }
  return [3, pack(values)];
}

type Letter = "p" | "s" | "g" | "d" | "c";

const results: Readonly<Record<Letter, EnqueueResult>> = {
  p: { tag: "enqueued", state: "pending" },
  s: { tag: "enqueued", state: "scheduled" },
  g: { tag: "enqueued", state: "aggregating" },
  d: { tag: "duplicate" },
  c: { tag: "conflict" },
};

/** How long a call waits for a broker that is away, in milliseconds. */
const patience = 5_000;
/** Between two tries of a call, in milliseconds. */
const pauseMs = 20;
const announceMs = 60_000;
const mostTasks = 250;
const mostBytes = 16 * 1024 * 1024;
const mostCalls = 4;
const mostUncertain = 20_000;
