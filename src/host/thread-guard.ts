import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import { SupervisorError } from "../core/errors.ts";
import type { ServicePlan } from "../core/plan.ts";
import type { WorkerThread } from "./worker-thread.ts";
import { outOfMemory } from "./worker-thread.ts";
import type { WatchLimits } from "./worker-watch.ts";
import { createWatch } from "./worker-watch.ts";

/** Looks at the threads of one generation while they serve. */
export interface ThreadGuard {
  watch(thread: WorkerThread): void;
  forget(thread: WorkerThread): void;
  close(): void;
}

/** How often, in milliseconds. */
const lookMs = 100;

/** `condemned` is told once of a thread that is frozen or uses more memory than it may. */
export function createThreadGuard(
  service: Pick<ServicePlan, "name" | "health" | "worker">,
  clock: Clock,
  condemned: (thread: WorkerThread, error: SupervisorError) => void,
): ThreadGuard {
  const { name, health, worker } = service;
  const memory = worker?.memory;
  const limits: WatchLimits = {
    freezeMs: health.timeout * health.failures,
    ...(memory === undefined ? {} : { memory }),
  };
  const watches = new Map<WorkerThread, ReturnType<typeof createWatch>>();
  let cancel: (() => void) | undefined;

  function look() {
    const processBytes = memory === undefined ? 0 : process.memoryUsage.rss();
    for (const [thread, watch] of [...watches]) {
      const vital = watch(clock.now(), processBytes);
      if (vital.tag === "well") continue;
      watches.delete(thread);
      condemned(thread, vital.tag === "frozen" ? frozen(name, vital.forMs) : outOfMemory(name, vital.bytes));
    }
    cancel = watches.size > 0 ? clock.after(lookMs, look) : undefined;
  }
  return {
    watch(thread) {
      watches.set(thread, createWatch(thread.vitals, limits));
      cancel ??= clock.after(lookMs, look);
    },
    forget: (thread) => void watches.delete(thread),
    close() {
      watches.clear();
      cancel?.();
    },
  };
}

function frozen(service: string, forMs: number): SupervisorError {
  return new SupervisorError(
    "WORKER_FROZEN",
    `The thread of service "${service}" has not turned its event loop for ${formatDuration(forMs)} and was ended`,
    `Look for a loop that never ends; services.${service}.health sets how long that is tolerated (timeout × failures).`,
  );
}
