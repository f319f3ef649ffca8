import type { BrokenQueue, QueueAnswers } from "../core/queue-command.ts";
import { shownLine } from "../core/shown-text.ts";
import type { QueueInfo } from "../core/task.ts";
import { fromNow, roughly } from "./short-text.ts";
import type { Cell } from "./table-text.ts";
import { listText, tableText } from "./table-text.ts";

const red = "31";
const yellow = "33";

/** The table of `supervisor queue ls`. */
export function queuesText({ queues }: QueueAnswers["queues"], color: boolean): string {
  if (queues.length === 0) return "no queues: nothing has been enqueued yet\n";
  const head = [
    "QUEUE",
    "STATE",
    "PENDING",
    "HELD",
    "ACTIVE",
    "SCHEDULED",
    "RETRY",
    "ARCHIVED",
    "COMPLETED",
    "GROUPED",
    "WAITS",
    "DONE TODAY",
    "FAILED TODAY",
  ];
  const broken = queues.flatMap(({ queue, problem }) =>
    problem === undefined ? [] : [`${brokenText({ queue, problem })}\n`],
  );
  const why = broken.length > 0 ? `\n${broken.join("")}` : "";
  return `${tableText(head, queues.map(rowOf), color)}${why}`;
}

/** Why a queue stands still, on one line. */
export function brokenText({ queue, problem }: BrokenQueue): string {
  return shownLine(`${queue}: ${problem}. Rename or delete it.`);
}

/** What `supervisor queue inspect` prints. */
export function queueText(
  { broker, queue, servers }: QueueAnswers["queue"],
  color: boolean,
  now: number,
): string {
  const { counts, memory } = queue;
  const facts = listText(
    [
      ["queue", shownLine(queue.queue)],
      ["broker", broker],
      ["state", stateOf(queue)],
      ...Object.entries(counts).map(([state, count]): [string, string] => [state, `${count}`]),
      [
        "held",
        queue.held > 0
          ? `${queue.held} of the pending ones wait for an earlier one with their key`
          : undefined,
      ],
      ["oldest waits", waitOf(queue)],
      ["today", `${queue.processed} processed, ${queue.failed} failed`],
      ["ever", `${queue.processedTotal} processed, ${queue.failedTotal} failed`],
      ["problem", queue.problem],
      ["memory", memory === undefined ? undefined : `${Math.ceil(memory / 1_024)} KiB`],
    ],
    color,
  );
  if (servers.length === 0) return `${facts}\nnobody consumes it\n`;
  const rows = servers.map(({ host, pid, startedAt, status, active, concurrency, queues }) => [
    host,
    `${pid}`,
    status,
    fromNow(startedAt, now),
    `${active}/${concurrency}`,
    Object.entries(queues)
      .map(([name, weight]) => `${name}:${weight}`)
      .join(" "),
  ]);
  return `${facts}\n${tableText(["HOST", "PID", "STATE", "STARTED", "ACTIVE", "QUEUES"], rows, color)}`;
}

/** The table of `supervisor queue history`. */
export function historyText({ days }: QueueAnswers["history"], color: boolean): string {
  const rows = days.map(({ day, processed, failed }): Cell[] => [
    day,
    `${processed}`,
    [`${failed}`, failed > 0 ? red : ""],
  ]);
  return tableText(["DAY (UTC)", "PROCESSED", "FAILED"], rows, color);
}

function rowOf(queue: QueueInfo): Cell[] {
  const { counts, held, processed, failed } = queue;
  return [
    queue.queue,
    [stateOf(queue), queue.problem ? red : queue.paused ? yellow : ""],
    `${counts.pending}`,
    `${held}`,
    `${counts.active}`,
    `${counts.scheduled}`,
    [`${counts.retry}`, counts.retry > 0 ? yellow : ""],
    [`${counts.archived}`, counts.archived > 0 ? red : ""],
    `${counts.completed}`,
    `${counts.aggregating}`,
    waitOf(queue),
    `${processed}`,
    [`${failed}`, failed > 0 ? red : ""],
  ];
}

function stateOf({ paused, problem }: QueueInfo): string {
  if (problem !== undefined) return "broken";
  return paused ? "paused" : "running";
}

function waitOf({ counts, latency }: QueueInfo): string {
  return counts.pending > 0 ? roughly(latency) : "-";
}
