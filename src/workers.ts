import { systemClock } from "./core/clock.ts";
import type { LogSink } from "./core/log.ts";
import type { BrokerPlan } from "./core/plan.ts";
import type { WorkerHost, WorkerHostOptions } from "./host/worker.ts";
import type { IsolatedLoader } from "./modules/load.ts";

export interface WorkersOptions {
  /** What `ctx.service` knows. */
  readonly names: () => readonly string[];
  /** What `ctx.queue` knows, and where work comes from. */
  readonly brokers: () => readonly BrokerPlan[];
  readonly secrets: readonly string[];
  readonly sink: LogSink;
  /** Answers `ctx.service(name).fetch`. */
  readonly call: (name: string, request: Request) => Promise<Response>;
}

/** The services that run in threads of their own. Nothing of that is loaded before there is one. */
export interface Workers extends IsolatedLoader {
  /** @throws TypeError for a service that `load` has never been called for. */
  createHost(options: Omit<WorkerHostOptions, "pool" | "clock">): WorkerHost;
  /** From now on these are the services. */
  adopt(names: readonly string[]): void;
}

export function createWorkers({ names, brokers, secrets, sink, call }: WorkersOptions): Workers {
  let made: Awaited<ReturnType<typeof make>> | undefined;

  async function make() {
    const [{ createWorkerPool }, { WorkerHost }] = await Promise.all([
      import("./host/worker-pool.ts"),
      import("./host/worker.ts"),
    ]);
    const pool = createWorkerPool({
      entry: new URL("./worker.ts", import.meta.url),
      names,
      brokers,
      secrets,
      sink,
      clock: systemClock,
      serve: (request, _env, name) => call(name as string, request),
    });
    return { pool, WorkerHost };
  }

  let making: ReturnType<typeof make> | undefined;
  return {
    async load(service, locate) {
      making ??= make();
      made = await making;
      await made.pool.prepare(service, locate);
    },
    forget: () => made?.pool.forget(),
    adopt: (next) => made?.pool.adopt(next),
    createHost(options) {
      if (!made) throw new TypeError(`The module of service "${options.service.name}" was never loaded`);
      const { pool, WorkerHost } = made;
      return new WorkerHost({ ...options, pool, clock: systemClock });
    },
  };
}
