import type { Clock } from "./core/clock.ts";
import { within } from "./core/deadline.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import type { Logger } from "./core/log.ts";
import { newOwner } from "./core/owner.ts";
import type { BrokerPlan } from "./core/plan.ts";
import type { Connection, Driver, OpenDriver } from "./queue/driver.ts";
import type { Queue } from "./service/message.ts";

export interface BrokersOptions {
  readonly brokers: readonly BrokerPlan[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Names whoever holds leases, for each driver. @default newOwner */
  readonly owner?: () => string;
  /** As in the options of a driver. @default false */
  readonly looksOnly?: boolean;
}

/** The brokers of a plan, each opened when it is first needed. Nothing of a driver is loaded before. */
export interface Brokers {
  /** In the order of the plan: the first one is the default. */
  readonly names: readonly string[];
  readonly plans: readonly BrokerPlan[];
  /**
   * Resolves when the broker has answered, or is known to be away. Rejects with UNKNOWN_BROKER for a name that the plan
   * does not have, and when the broker can never be used.
   */
  driver(name: string): Promise<Driver>;
  /** What `ctx.queue(name)` is: one for each name, for as long as the process lives. */
  queue(name: string): Queue;
  /** Tells why the broker is away, and undefined when it is there again, now and at each change; returns how to end that. */
  watch(name: string, listener: (trouble: string | undefined) => void): () => void;
  /** From now on `brokers` are the plan's; a driver of another URL is opened anew when it is asked for next. */
  adopt(brokers: readonly BrokerPlan[]): void;
  /** Closes the drivers that the plan has no more; those of services that still drain must not be among them. */
  closeUnused(): Promise<void>;
  closeAll(): Promise<void>;
}

interface Open {
  readonly plan: BrokerPlan;
  readonly driver: Promise<Driver>;
}

export function createBrokers(options: BrokersOptions): Brokers {
  const { clock, random, log, owner = newOwner, looksOnly = false } = options;
  let plans = options.brokers;
  const open = new Map<string, Open>();
  const outdated: Open[] = [];
  const queues = new Map<string, Queue>();
  const troubles = new Map<string, string>();
  let isOver = false;
  const listeners = new Map<string, Set<(trouble: string | undefined) => void>>();

  function driver(name: string): Promise<Driver> {
    const plan = plans.find((each) => each.name === name);
    if (!plan) return Promise.reject(noBroker(name));
    const known = open.get(name);
    if (known?.plan.url === plan.url) return known.driver;
    if (known) outdated.push(known);
    const opening = { plan, driver: openOne(plan) };
    open.set(name, opening);
    // Whoever asked is told; asked again, it is tried again.
    opening.driver.catch(() => open.get(name) === opening && open.delete(name));
    return opening.driver;
  }

  async function openOne(plan: BrokerPlan): Promise<Driver> {
    const { name, url, scheme } = plan;
    const openDriver = await drivers[scheme]();
    const heard = Promise.withResolvers<void>();
    const made = openDriver({
      name,
      url,
      clock,
      random,
      log,
      owner: owner(),
      looksOnly,
      onConnection(connection) {
        connected(plan, connection);
        heard.resolve();
      },
    });
    const connecting = made.connect();
    connecting.catch((error) => connected(plan, { tag: "down", error }));
    // It goes on trying for as long as it is open: whoever wants to wait for that waits for `connect`.
    const first = await within(clock, clock.now() + patienceMs, Promise.race([connecting, heard.promise]));
    if (first.tag === "failed") throw first.error;
    return made;
  }

  function connected({ name, url }: BrokerPlan, connection: Connection): void {
    if (isOver || plans.find((each) => each.name === name)?.url !== url) return;
    const was = troubles.get(name);
    const trouble = connection.tag === "up" ? undefined : awayText(name, url, connection.error);
    if (was === trouble) return;
    if (trouble === undefined) troubles.delete(name);
    else troubles.set(name, trouble);
    if (trouble === undefined) log.info(`broker "${name}" answers again`, { broker: name });
    else log.warn(trouble, { broker: name });
    for (const listener of listeners.get(name) ?? []) listener(trouble);
  }

  return {
    get names() {
      return plans.map(({ name }) => name);
    },
    get plans() {
      return plans;
    },
    driver,
    queue(name) {
      const known = queues.get(name);
      if (known) return known;
      const made = lazyQueue(async () => {
        const { createQueue } = await import("./queue/producer.ts");
        return createQueue({ broker: name, driver: () => driver(name), clock });
      });
      queues.set(name, made);
      return made;
    },
    watch(name, listener) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all.add(listener));
      const now = troubles.get(name);
      if (now !== undefined) listener(now);
      return () => all.delete(listener);
    },
    adopt(brokers) {
      plans = brokers;
    },
    async closeUnused() {
      const unused = [...open.values()].filter(({ plan }) => !plans.some((each) => each.url === plan.url));
      for (const { plan } of unused) open.delete(plan.name);
      await closeEach([...outdated.splice(0), ...unused], log);
    },
    async closeAll() {
      isOver = true;
      const all = [...outdated.splice(0), ...open.values()];
      open.clear();
      await closeEach(all, log);
    },
  };
}

const drivers: Readonly<Record<BrokerPlan["scheme"], () => Promise<OpenDriver>>> = {
  memory: async () => (await import("./queue/drivers/memory.ts")).openMemory,
  sqlite: async () => (await import("./queue/drivers/sqlite.ts")).openSqlite,
  redis: async () => (await import("./queue/drivers/redis.ts")).openRedis,
};

/** One that says nothing at all is as good as away. */
const patienceMs = 2_000;

function noBroker(name: string): SupervisorError {
  const hint = "It may have been there before a reload: write it below brokers: in services.yaml.";
  return new SupervisorError("UNKNOWN_BROKER", `There is no broker "${name}"`, hint);
}

/** Shown by `status`, too: without the password, should a client quote its URL. */
function awayText(name: string, url: string, error: Error): string {
  const password = /:\/\/[^\s:/?#@]*:([^\s@/]+)@/.exec(url)?.[1];
  const why = messageOf(error);
  return `broker "${name}" is away: ${password === undefined ? why : why.replaceAll(password, "***")}`;
}

async function closeEach(all: readonly Open[], log: Logger): Promise<void> {
  await Promise.all(
    all.map(async ({ plan, driver }) => {
      try {
        await (await driver).close();
      } catch (error) {
        log.warn(`broker "${plan.name}" was not closed well`, { broker: plan.name, error });
      }
    }),
  );
}

/** A queue whose code is loaded by its first call. */
function lazyQueue(make: () => Promise<Queue>): Queue {
  let making: Promise<Queue> | undefined;
  const queue = () => {
    making ??= make();
    return making;
  };
  return {
    enqueue: async (...given) => (await queue()).enqueue(...given),
    enqueueAll: async (tasks) => (await queue()).enqueueAll(tasks),
    chain: async (steps) => (await queue()).chain(steps),
    find: async (...given) => (await queue()).find(...given),
    cancel: async (...given) => (await queue()).cancel(...given),
  };
}
