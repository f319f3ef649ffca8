import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { formatDuration } from "../core/duration.ts";
import type { LogLevel, LogSink } from "../core/log.ts";
import { logLevels } from "../core/log.ts";
import { newOwner } from "../core/owner.ts";
import type { BrokerPlan, ServicePlan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import { ProblemsError } from "../core/problem.ts";
import type { FetchLinkOptions } from "./fetch-link.ts";
import { vitalCells } from "./worker-protocol.ts";
import { WorkerThread } from "./worker-thread.ts";

export interface WorkerPoolOptions {
  readonly entry: URL;
  readonly names: () => readonly string[];
  readonly brokers: () => readonly BrokerPlan[];
  readonly secrets: readonly string[];
  readonly sink: LogSink;
  readonly clock: Clock;
  readonly serve: FetchLinkOptions["serve"];
}

/** Makes the threads of isolated services; those whose module is loaded wait here for their generation. */
export interface WorkerPool {
  /**
   * Loads the module of `service` in as many threads as it has instances, for the generation that comes next.
   * Rejects with a ProblemsError; then none of them is left.
   */
  prepare(service: ServicePlan, locate: Locate): Promise<void>;
  /** The threads that wait for `service`, or new ones: one for each instance. */
  take(service: ServicePlan): WorkerThread[];
  /** A new thread for one instance. */
  create(service: ServicePlan, instance: number): WorkerThread;
  /** Tells every thread which services there are now. */
  adopt(names: readonly string[]): void;
  /** Ends every thread that waits. */
  forget(): void;
}

/** Past start_timeout a thread whose loop turns says so itself: this is for the others, in milliseconds. */
const graceMs = 500;

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { entry, secrets, sink, clock, serve, names, brokers } = options;
  const waiting = new Map<string, WorkerThread[]>();
  const living = new Set<WorkerThread>();
  const silent: LogLevel[] = logLevels.filter((level) => sink.keeps?.(level) === false);
  const nowhere: Locate = () => undefined;

  function create(service: ServicePlan, instance: number, locate = nowhere): WorkerThread {
    const vitals = new Int32Array(new SharedArrayBuffer(4 * Object.keys(vitalCells).length));
    const owner = newOwner();
    const data = { service, instance, owner, names: names(), secrets, silent, vitals, brokers: brokers() };
    const thread = new WorkerThread({ entry, data, locate, sink, serve, ended: () => living.delete(thread) });
    living.add(thread);
    return thread;
  }

  function createAll(service: ServicePlan, locate?: Locate): WorkerThread[] {
    const instances = service.worker?.instances ?? 1;
    return Array.from({ length: instances }, (_, index) => create(service, index + 1, locate));
  }

  function drop(name: string): void {
    for (const thread of waiting.get(name) ?? []) void thread.terminate();
    waiting.delete(name);
  }

  return {
    async prepare(service, locate) {
      const threads = createAll(service, locate);
      const importing = Promise.all(threads.map((thread) => thread.imported));
      const outcome = await within(clock, clock.now() + service.startTimeout + graceMs, importing);
      if (outcome.tag !== "done") {
        for (const thread of threads) void thread.terminate();
        throw outcome.tag === "late" ? blocked(service, locate) : outcome.error;
      }
      drop(service.name);
      waiting.set(service.name, threads);
    },
    take(service) {
      const ready = waiting.get(service.name);
      waiting.delete(service.name);
      return ready ?? createAll(service);
    },
    create: (service, instance) => create(service, instance),
    adopt(next) {
      for (const thread of living) thread.adopt(next, brokers());
    },
    forget() {
      for (const name of [...waiting.keys()]) drop(name);
    },
  };
}

function blocked({ name, startTimeout }: ServicePlan, locate: Locate): ProblemsError {
  const position = locate(["services", name, "module"]);
  const message = `Cannot load service "${name}": its module blocks its thread for longer than ${formatDuration(startTimeout)}`;
  const hint = "The top level of the module never ends; move that work into start(), or raise start_timeout.";
  return new ProblemsError([{ code: "MODULE_TIMEOUT", message, hint, ...(position ? { position } : {}) }]);
}
