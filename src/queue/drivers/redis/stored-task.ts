import type { TaskFilter, TaskInfo, TaskState } from "../../../core/task.ts";
import { isMeant, payloadView } from "../task-view.ts";
import { basicsOf, nanosToMs } from "./task-form.ts";
import type { TaskMessage } from "./task-message.ts";
import { decodeTaskMessage } from "./task-message.ts";

/** A task as lua/inspect.ts reads it. */
export interface StoredTask {
  readonly info: TaskInfo;
  readonly message: TaskMessage;
  /** Whether a filter means it. */
  isMeant(filter: TaskFilter): boolean;
}

export function storedTask(queue: string, reply: readonly (Buffer | null)[]): StoredTask {
  const [id, data, stored, due, exactDue, result, since, at, key, group, owner, held, progress, exact] =
    reply;
  const message = decodeTaskMessage(data as Buffer);
  const state: TaskState = held && String(stored) === "scheduled" ? "pending" : (String(stored) as TaskState);
  const basics = basicsOf(message, exact);
  const pendingSince = since ? nanosToMs(since) : undefined;
  const enqueuedAt = at ? Number(at.toString()) : pendingSince;
  const runAt = exactDue ? Number(exactDue.toString()) : due ? Number(due.toString()) * 1000 : undefined;
  const info: TaskInfo = {
    id: String(id),
    queue,
    type: message.type,
    state,
    ...payloadView(message.payload),
    headers: message.headers,
    ...(key ? { key: key.toString() } : {}),
    ...(group ? { group: group.toString() } : {}),
    ...(enqueuedAt === undefined ? {} : { enqueuedAt }),
    ...(runAt !== undefined && (state === "scheduled" || state === "retry") ? { runAt } : {}),
    retried: message.retried,
    maxRetry: message.retry,
    ...(message.errorMsg === "" ? {} : { lastError: message.errorMsg }),
    ...(message.lastFailedAt === 0 ? {} : { lastFailedAt: message.lastFailedAt * 1000 }),
    timeout: basics.timeout,
    deadline: basics.deadline,
    retention: basics.retention,
    ...(message.completedAt === 0 ? {} : { completedAt: message.completedAt * 1000 }),
    ...(result && result.length > 0 ? { result: payloadView(result).payload } : {}),
    ...progressOf(progress, owner),
    ...(owner && state === "active" ? { owner: owner.toString().split("|")[0] as string } : {}),
  };
  return { info, message, isMeant: (filter) => isMeant({ ...info, since: aboutWhen(info) }, filter) };
}

/** It begins with the claim that said it; an attempt that has ended shows none (lua/settle.ts). */
function progressOf(
  progress: Buffer | null | undefined,
  owner: Buffer | null | undefined,
): Pick<TaskInfo, "progress"> {
  const prefix = `${owner}\n`;
  const text = owner && progress?.toString();
  return text?.startsWith(prefix) ? { progress: text.slice(prefix.length) } : {};
}

/** When what its state is about happened. asynq keeps whole seconds: the end of that second counts. */
function aboutWhen({ state, lastFailedAt, completedAt, enqueuedAt }: TaskInfo): number {
  const ended =
    state === "completed"
      ? completedAt
      : state === "retry" || state === "archived"
        ? lastFailedAt
        : undefined;
  return ended === undefined ? (enqueuedAt ?? 0) : ended + 999;
}
