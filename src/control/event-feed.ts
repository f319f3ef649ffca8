import type { Beacon } from "../core/beacon.ts";
import { announceStart } from "../core/beacon.ts";
import type { CommandError } from "../core/command.ts";
import type { Listener, SupervisorEvent } from "../core/events.ts";
import type { Problem } from "../core/problem.ts";
import { describeProblem } from "../core/render-problems.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { createBatch } from "./batch.ts";
import { eventLine } from "./event-record.ts";
import type { ToOperator } from "./protocol.ts";

// Taken before `scopeTimers` wraps them.
const { setTimeout, queueMicrotask } = globalThis;
const most = { items: 1_000, characters: 1_048_576 };
/** When the start takes longer, its events are worth the time that telling them costs. */
const startMs = 1_000;

/** Tells the operator's plane what happens; what one turn of the loop brings crosses as one message. */
export interface EventFeed {
  readonly listener: Listener;
  /** Sends what waits: nothing may be left behind when the thread ends. */
  flush(): void;
}

export function createEventFeed(post: (message: ToOperator) => void, beacon: Beacon): EventFeed {
  const changed = new Map<string, ServiceSnapshot>();
  let listening: (readonly [string, string])[] = [];
  let scheduled = false;
  // Made into text when it is sent: on the way to ready, nothing may take time that can wait.
  const events = createBatch<readonly [SupervisorEvent, number]>({
    send(items, dropped) {
      const lines = items.map(([event, time]) => lineOf(event, time)).join("");
      post({ type: "events", lines, listening: JSON.stringify(listening), dropped });
      listening = [];
    },
    most,
    now: () => performance.now(),
    soon: queueMicrotask,
    later: (callback, delayMs) => void setTimeout(callback, delayMs).unref(),
  });
  events.hold();
  const patience = setTimeout(() => events.release(), startMs);
  patience.unref();

  function flush() {
    scheduled = false;
    if (changed.size === 0) return;
    post({ type: "changed", snapshots: JSON.stringify([...changed.values()]) });
    changed.clear();
  }

  function listener(event: SupervisorEvent): void {
    if (event.type === "listening") listening.push([event.service ?? "", event.url]);
    events.add([event, Date.now()], weight);
    if (event.type === "serviceChanged") {
      changed.set(event.snapshot.name, event.snapshot);
      // Not a timer: a service may freeze the loop before the next one fires.
      if (!scheduled) queueMicrotask(flush);
      scheduled = true;
    } else if (event.type === "groupReady") {
      announceStart(beacon);
      // After whoever waits for the services has had its turn.
      setTimeout(() => events.release(), 0).unref();
    } else if (event.type === "reloaded") {
      const failed = event.changes.some(({ outcome }) => outcome === "failed");
      const result = failed ? "failed" : event.changes.length === 0 ? "unchanged" : "applied";
      post({ type: "reload", result, reload: { at: Date.now(), outcome: failed ? "failed" : "done" } });
    } else if (event.type === "reloadFailed") {
      post({
        type: "reload",
        result: "failed",
        reload: { at: Date.now(), outcome: "failed", problems: plain(event.problems) },
      });
    } else if (event.type === "groupStopping") {
      announceStart(beacon);
      // Not later: the first service to stop may freeze the loop.
      flush();
      events.release();
      post({ type: "stopping", cause: event.cause, budgetMs: event.budgetMs });
    }
  }

  return { listener, flush: events.release };
}

function plain(problems: readonly Problem[]): CommandError[] {
  return problems.map((problem) => ({
    code: problem.code,
    hint: problem.hint,
    message: describeProblem(problem, { color: false, cwd: process.cwd() }),
  }));
}

/** Before it is text nobody knows how long an event is; few are longer. */
const weight = 500;

function lineOf(event: SupervisorEvent, time: number): string {
  try {
    return eventLine(event, time);
  } catch {
    // What a service has thrown may be circular: that it happened is still worth telling.
    return `${JSON.stringify({ time, type: event.type })}\n`;
  }
}
