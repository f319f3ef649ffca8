import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import type { LogFields, Logger } from "../core/log.ts";
import type { Decision, Item } from "./item.ts";

/** Lines about single messages. Each names the task, and carries its trace when it has one. */
export interface TaskLog {
  failed(log: Logger, item: Item, decision: Decision, error: unknown): void;
  /** It was done, and the next step of its chain could not be enqueued. */
  cutShort(log: Logger, item: Item): void;
  /** It was not even tried. */
  refused(log: Logger, item: Item, decision: Decision): void;
  /** It may kill the process, and begins. */
  suspected(log: Logger, item: Item): void;
  /** Its slot is given back although its handler has not returned. */
  leaked(log: Logger, item: Item, patienceMs: number): void;
}

const hour = 3_600_000;
/** Types come from outside: what is remembered of them has an end. */
const mostRemembered = 1_000;

export function createTaskLog(clock: Clock): TaskLog {
  /** When it was last said that nobody takes a type. */
  const said = new Map<string, number>();

  function isNews(type: string): boolean {
    const before = said.get(type);
    if (before !== undefined && clock.now() - before < hour) return false;
    if (said.size >= mostRemembered) said.clear();
    said.set(type, clock.now());
    return true;
  }

  return {
    failed(log, item, decision, error) {
      const fields = { ...about(item), ...(error === undefined ? {} : { error }) };
      if (decision.tag === "dead") log.error("A task failed for good: it is in the archive", fields);
      else if (decision.tag === "retry") {
        const wait = formatDuration(Math.max(0, decision.at - clock.wall()));
        if (decision.counts) log.warn(`A task failed, and is tried again in ${wait}`, fields);
        else log.debug(`A task is put off for ${wait}`, fields);
      }
    },
    cutShort(log, item) {
      const next = item.settlement?.tag === "ack" ? item.settlement.next?.id : undefined;
      log.error(
        "A chain ends here, and its step is in the archive: another task has the id of the next step",
        {
          ...about(item),
          next,
          hint: "Use the id of a chain again when all its steps are gone; then, supervisor task retry goes on with this one",
        },
      );
    },
    refused(log, item, decision) {
      if (decision.tag === "dead") {
        log.error("A task is not tried any more: it is in the archive", {
          ...about(item),
          error: decision.error,
        });
      } else if (isNews(item.delivery.type)) {
        const hint = `Add it to tasks, then run "supervisor task retry --error NO_HANDLER"`;
        log.error("No handler takes a type of task: these are put off", { ...about(item), hint });
      }
    },
    suspected(log, item) {
      const { crashes } = item.delivery;
      log.warn(
        `A task begins that was there when the process died ${crashes} times: such run one at a time`,
        {
          ...about(item),
          crashes,
        },
      );
    },
    leaked(log, item, patienceMs) {
      log.warn(
        `A handler goes on ${formatDuration(patienceMs)} after its attempt was over: its slot is given to another`,
        about(item),
      );
    },
  };
}

function about({ delivery, key }: Item): LogFields {
  const { id, type, queue, retried, headers } = delivery;
  const trace = headers.traceparent;
  return {
    task: id,
    type,
    queue,
    attempt: retried + 1,
    ...(key === undefined ? {} : { key }),
    ...(trace === undefined ? {} : { trace }),
  };
}
