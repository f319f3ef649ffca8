import type { Brokers } from "./brokers.ts";
import { createBrokers } from "./brokers.ts";
import { systemClock } from "./core/clock.ts";
import { within } from "./core/deadline.ts";
import type { Gone } from "./core/floor.ts";
import type { Logger, LogSink } from "./core/log.ts";
import type { ServicePlan } from "./core/plan.ts";
import type { ServiceWork } from "./core/service-work.ts";
import type { ScheduleRun } from "./core/task.ts";
import type { FromWorker, WorkerData } from "./host/worker-protocol.ts";
import type { Entered } from "./intakes.ts";
import { createIntakes } from "./intakes.ts";

/** The queues and the schedule of a service in a thread of its own: it has its own connections to brokers. */
export interface IsolatedWork extends Pick<Brokers, "names" | "queue" | "adopt"> {
  readonly entered: Entered;
  /** As `ScheduleIntake.runNow`; undefined when another instance keeps the schedule. */
  runNow(): Promise<ScheduleRun | undefined>;
  /** Nothing is claimed before. */
  claim(gone: Gone): void;
  /** Within `closeMs`: whoever ends the thread does not wait for a broker that is away. */
  close(): Promise<void>;
}

export interface IsolatedWorkOptions {
  readonly data: WorkerData;
  readonly sink: LogSink;
  readonly log: Logger;
  readonly post: (message: FromWorker) => void;
}

const closeMs = 400;
/** How often what has been done is told, in milliseconds. */
const tellMs = 1_000;

export async function openIsolatedWork({
  data,
  sink,
  log,
  post,
}: IsolatedWorkOptions): Promise<IsolatedWork> {
  const chance = { clock: systemClock, random: Math.random };
  let drivers = 0;
  const owner = () => `${data.owner}.${++drivers}`;
  const brokers = createBrokers({ ...chance, brokers: data.brokers, log, owner });
  const intakes = createIntakes({ ...chance, brokers, sink });
  const service = ownPart(data);
  await intakes.prepare({ services: [service], brokers: data.brokers });
  // Main knows who else may have messages in his hands.
  const claim = intakes.floor(service.name).join(() => {});
  const entered = intakes.enter(service);
  entered.watch((reason) => post(["trouble", reason ?? null]));
  const tell = createTeller(() => intakes.work()[service.name], post);
  if (service.consume || service.schedule) setInterval(tell, tellMs).unref();
  return {
    get names() {
      return brokers.names;
    },
    queue: brokers.queue,
    adopt: brokers.adopt,
    entered,
    claim,
    runNow: async () => intakes.schedule(service.name)?.runNow(),
    async close() {
      await within(systemClock, systemClock.now() + closeMs, brokers.closeAll());
      tell();
    },
  };
}

/** Every instance consumes; the first one keeps the schedule, because a time must not come several times. */
function ownPart({ service, instance }: WorkerData): ServicePlan {
  const { worker: _worker, schedule, ...rest } = service;
  return instance === 1 && schedule ? { ...rest, schedule } : rest;
}

function createTeller(work: () => ServiceWork | undefined, post: (message: FromWorker) => void): () => void {
  let last = "";
  return () => {
    const now = work();
    const text = JSON.stringify(now);
    if (now && text !== last) post(["worked", now]);
    last = text;
  };
}
