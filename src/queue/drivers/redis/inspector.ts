import { SupervisorError } from "../../../core/errors.ts";
import type { QueueInfo, TaskAction, TaskFilter, TaskState } from "../../../core/task.ts";
import { taskStates } from "../../../core/task.ts";
import type { Inspector } from "../../driver.ts";
import { dayOf, placeAfter } from "../task-view.ts";
import { keys } from "./keys.ts";
import type { Argument, Link } from "./link.ts";
import { actScript, idsScript, memoryScript, statsScript, tasksScript } from "./lua/inspect.ts";
import { decodeServer } from "./records.ts";
import { script } from "./script.ts";
import type { StoredTask } from "./stored-task.ts";
import { storedTask } from "./stored-task.ts";
import { encodeTaskMessage } from "./task-message.ts";
import type { Times } from "./time.ts";

export function createInspector(link: Link, times: Times): Inspector {
  const run = (what: ReturnType<typeof script>, queue: string, args: readonly Argument[]) =>
    link.run(what, [keys.queue(queue)], args);

  async function read(queue: string, ids: readonly string[]): Promise<readonly StoredTask[]> {
    if (ids.length === 0) return [];
    const replies = (await run(tasksCall, queue, ids)) as (Buffer | null)[][];
    return replies.map((reply) => storedTask(queue, reply));
  }

  /** Tasks from a place on: all that a filter means, with the place after each. */
  async function* walk(
    queue: string,
    filter: TaskFilter,
    after?: string,
  ): AsyncGenerator<[StoredTask, string]> {
    if (filter.ids) {
      // Ids are looked up in their order; the place is how many were.
      const from = after === undefined ? 0 : Number(placeAfter(after, /^(\d+)$/)[0]);
      for (let at = from; at < filter.ids.length; at += chunk) {
        const ids: readonly string[] = filter.ids.slice(at, at + chunk);
        const found = new Map((await read(queue, ids)).map((task) => [task.info.id, task]));
        for (const [index, id] of ids.entries()) {
          const task = found.get(id);
          if (task?.isMeant(filter)) yield [task, String(at + index + 1)];
        }
      }
      return;
    }
    const [first, start] = after === undefined ? [] : placeAfter(after, cursorForm);
    const rest = first === undefined ? places : places.slice(places.indexOf(first as Place));
    for (const place of rest.filter((one) => !filter.state || stateOf(one) === filter.state)) {
      for (let at = place === first ? Number(start) : 0; ; at += chunk) {
        const ids = (await run(idsCall, queue, [place, at, chunk, times.ms()])) as Buffer[];
        const found = new Map((await read(queue, ids.map(String))).map((task) => [task.info.id, task]));
        for (const [index, id] of ids.entries()) {
          const task = found.get(String(id));
          if (task?.isMeant(filter)) yield [task, `${place}:${at + index + 1}`];
        }
        if (ids.length < chunk) break;
      }
    }
  }

  async function queueInfo(queue: string): Promise<QueueInfo> {
    const [stats, memory] = await Promise.all([
      run(statsCall, queue, [dayOf(times.ms()), times.ms()]) as Promise<(number | Buffer)[]>,
      // MEMORY USAGE may be forbidden by an ACL.
      run(memoryCall, queue, []).catch(() => undefined) as Promise<number | undefined>,
    ]);
    const numbers = stats.slice(0, 13).map((value) => Number(value.toString()));
    const [pending = 0, active = 0, scheduled = 0, retry = 0, archived = 0, completed = 0, aggregating = 0] =
      numbers;
    const [held = 0, paused = 0, processed = 0, failed = 0, processedTotal = 0, failedTotal = 0] =
      numbers.slice(7);
    const oldest = Number(String(stats[13]).slice(0, -6));
    return {
      queue,
      paused: paused === 1,
      counts: { pending: pending + held, active, scheduled, retry, archived, completed, aggregating },
      held,
      latency: oldest > 0 ? Math.max(0, times.ms() - oldest) : 0,
      processed,
      failed,
      processedTotal,
      failedTotal,
      ...(memory === undefined ? {} : { memory }),
    };
  }

  async function actOn(queue: string, action: TaskAction, tasks: readonly StoredTask[]): Promise<number> {
    const args: Argument[] = [
      action,
      times.ms(),
      times.micros(tasks.length),
      statesFor[action as keyof typeof statesFor],
    ];
    for (const { info, message } of tasks) {
      const anew = action === "retry" ? encodeTaskMessage({ ...message, retried: 0, completedAt: 0 }) : "";
      args.push(info.id, anew);
    }
    return (await run(actCall, queue, args)) as number;
  }

  return {
    async queues() {
      const names = ((await link.command("SMEMBERS", keys.queues)) as Buffer[]).map(String).sort();
      return Promise.all(names.map((name) => queueInfo(name).catch((error) => brokenQueue(name, error))));
    },
    async history(queue, days) {
      const now = times.ms();
      const recent = Array.from({ length: days }, (_, ago) => dayOf(now - ago * 86_400_000));
      const prefix = keys.queue(queue);
      const names = recent.flatMap((day) => [`${prefix}processed:${day}`, `${prefix}failed:${day}`]);
      const values = names.length === 0 ? [] : ((await link.command("MGET", ...names)) as (Buffer | null)[]);
      const at = (index: number) => Number(values[index]?.toString() ?? 0);
      return recent.map((day, index) => ({ day, processed: at(index * 2), failed: at(index * 2 + 1) }));
    },
    async pause(queue) {
      // asynq (inspect.go, Pause): the key is there, whatever is in it.
      await link.command("SETNX", `${keys.queue(queue)}paused`, Math.floor(times.ms() / 1000));
      await link.command("SADD", keys.queues, queue);
    },
    async resume(queue) {
      await link.command("DEL", `${keys.queue(queue)}paused`);
    },
    async tasks(queue, filter, { limit, after }) {
      const found: [StoredTask, string][] = [];
      for await (const one of walk(queue, filter, after)) {
        found.push(one);
        if (found.length > limit) break;
      }
      const page = found.slice(0, limit);
      const next = found.length > limit ? page.at(-1)?.[1] : undefined;
      return { tasks: page.map(([{ info }]) => info), ...(next === undefined ? {} : { next }) };
    },
    async task(queue, id) {
      const [task] = await read(queue, [id]);
      return task?.info;
    },
    async act(queue, action, filter) {
      // First all that are meant: what is done to them moves the others.
      const meant: StoredTask[] = [];
      for await (const [task] of walk(queue, filter)) meant.push(task);
      if (action === "cancel") {
        const active = meant.filter(({ info }) => info.state === "active");
        for (const { info } of active) await link.command("PUBLISH", keys.cancel, info.id);
        return active.length;
      }
      let done = 0;
      for (let from = 0; from < meant.length; from += chunk)
        done += await actOn(queue, action, meant.slice(from, from + chunk));
      return done;
    },
    async servers() {
      const now = Math.floor(times.ms() / 1000);
      const names = (await link.command("ZRANGEBYSCORE", keys.servers, now, "+inf")) as Buffer[];
      const records = (await Promise.all(
        names.map((name) => link.command("GET", String(name))),
      )) as (Buffer | null)[];
      return records.flatMap((record) => (record ? [decodeServer(record)] : []));
    },
  };
}

/** Where tasks are: asynq's states, and the held ones of ours, which count as pending. */
const places = taskStates.flatMap((state) =>
  state === "pending" ? (["pending", "held"] as const) : [state],
);
type Place = TaskState | "held";
const cursorForm = new RegExp(`^(${places.join("|")}):(\\d+)$`);

function stateOf(place: Place): TaskState {
  return place === "held" ? "pending" : place;
}

/** In which states a task may be for an action; a task is looked at again when it is done. */
const statesFor = {
  run: " scheduled retry aggregating ",
  retry: " scheduled retry aggregating archived completed ",
  archive: " pending held scheduled retry aggregating ",
  delete: " pending held scheduled retry aggregating archived completed ",
} as const;

/** One that stands still keeps nobody from the others. */
function brokenQueue(queue: string, error: unknown): QueueInfo {
  if (!(error instanceof SupervisorError) || error.code !== "BROKER_KEY") throw error;
  const counts = { pending: 0, active: 0, scheduled: 0, retry: 0, archived: 0, completed: 0, aggregating: 0 };
  const none = { held: 0, latency: 0, processed: 0, failed: 0, processedTotal: 0, failedTotal: 0 };
  return { queue, paused: false, counts, ...none, problem: error.message };
}

const statsCall = script(statsScript);
const memoryCall = script(memoryScript);
const idsCall = script(idsScript);
const tasksCall = script(tasksScript);
const actCall = script(actScript);
const chunk = 200;
