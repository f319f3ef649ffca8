import type { TaskInfo } from "../core/task.ts";
import type { FoundTask } from "../service/message.ts";
import type { Inspector } from "./driver.ts";

/** How often a task may change its state between a look at it and what is done to it. */
const mostLooks = 5;

/** Looks in `queue`, or in `default` and then in all others. */
export async function findTask(
  inspector: Inspector,
  id: string,
  queue: string | undefined,
): Promise<FoundTask | undefined> {
  const info = await infoOf(inspector, id, queue);
  if (!info) return undefined;
  const { type, state, retried, lastError, result, progress } = info;
  return {
    id,
    queue: info.queue,
    type,
    state,
    retried,
    ...(lastError === undefined ? {} : { lastError }),
    ...(result === undefined ? {} : { result: jsonOrText(result) }),
    ...(progress === undefined ? {} : { progress: jsonOrText(progress) }),
  };
}

/** Stops a task that is worked on, deletes one that waits; false when it is neither. */
export async function cancelTask(
  inspector: Inspector,
  id: string,
  queue: string | undefined,
): Promise<boolean> {
  for (let look = 0; look < mostLooks; look++) {
    const info = await infoOf(inspector, id, queue);
    if (!info || info.state === "completed" || info.state === "archived") return false;
    const action = info.state === "active" ? "cancel" : "delete";
    // It may have begun or ended since the look at it: then it is looked at again.
    if ((await inspector.act(info.queue, action, { ids: [id], state: info.state })) > 0) return true;
  }
  return false;
}

async function infoOf(
  inspector: Inspector,
  id: string,
  queue: string | undefined,
): Promise<TaskInfo | undefined> {
  if (queue !== undefined) return inspector.task(queue, id);
  const usual = await inspector.task("default", id);
  if (usual) return usual;
  for (const { queue: other } of await inspector.queues()) {
    const info = other === "default" ? undefined : await inspector.task(other, id);
    if (info) return info;
  }
  return undefined;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Bytes or text of another producer.
    return text;
  }
}
