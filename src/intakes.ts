import type { Brokers } from "./brokers.ts";
import type { Clock } from "./core/clock.ts";
import type { Floor } from "./core/floor.ts";
import { createFloor } from "./core/floor.ts";
import type { LogSink } from "./core/log.ts";
import { createLogger } from "./core/log.ts";
import { newOwner } from "./core/owner.ts";
import type { Plan, SchedulePlan, ServicePlan } from "./core/plan.ts";
import type { ServiceWork } from "./core/service-work.ts";
import type { createQueueIntake } from "./queue/queue-intake.ts";
import type { createScheduleIntake } from "./schedule/schedule-intake.ts";
import type { FarSchedule } from "./schedule/stored-schedule.ts";
import type { Intake } from "./service/intake.ts";
import type { EnqueueOptions } from "./service/message.ts";

export interface IntakesOptions {
  readonly brokers: Brokers;
  readonly clock: Clock;
  readonly random: () => number;
  readonly sink: LogSink;
}

/** The queues and schedules that bring work to the services of a plan. Their code is loaded when one needs it. */
export interface Intakes {
  /** Before members are made of `plan`. What it has no more goes as soon as no generation uses it. */
  prepare(plan: Pick<Plan, "services" | "brokers">): Promise<void>;
  /** For one generation of a service that `prepare` has seen, until it calls `leave`. */
  enter(service: ServicePlan): Entered;
  /** What the consumers and schedules of all services do, by the name of the service. */
  work(): Readonly<Record<string, ServiceWork>>;
  /** Takes what a generation (`from`) of a service in threads of its own has done. The newest one's is told. */
  note(service: string, work: ServiceWork, from: object): void;
  /** That generation has ended: nothing more of it is told, unless there is none after it. */
  forget(service: string, from: object): void;
  /** Takes the schedule that a generation keeps in a thread of its own, until the returned call. */
  keep(service: string, schedule: FarSchedule): () => void;
  /** On which the consumers of a service take turns, whatever its plan. */
  floor(service: string): Floor;
  /** The live schedule of a service, of the newest generation; undefined when it has none. */
  schedule(service: string): ScheduleIntake | FarSchedule | undefined;
}

export interface Entered {
  readonly intakes: readonly Intake[];
  /** Tells why work cannot come, and undefined when it can again, now and at each change. */
  watch(listener: (trouble: string | undefined) => void): void;
  leave(): void;
}

/** What one generation in threads of its own has told. */
interface Noted {
  readonly from: object;
  work: ServiceWork;
  isOver: boolean;
}

type MakeQueueIntake = typeof createQueueIntake;
type MakeScheduleIntake = typeof createScheduleIntake;
type QueueIntake = ReturnType<MakeQueueIntake>;
type ScheduleIntake = ReturnType<MakeScheduleIntake>;

interface Entry {
  readonly key: string;
  readonly planned: SchedulePlan | undefined;
  readonly consumer: QueueIntake | undefined;
  readonly schedule: ScheduleIntake | undefined;
  readonly listeners: Set<(trouble: string | undefined) => void>;
  readonly close: () => void;
  trouble: string | undefined;
  users: number;
}

export function createIntakes(options: IntakesOptions): Intakes {
  const entries = new Map<string, Entry[]>();
  let current = new Map<string, string>();
  let urls = new Map<string, string>();
  let makers: Makers = {};
  const noted = new Map<string, Noted[]>();
  const far = new Map<string, FarSchedule[]>();
  const floors = new Map<string, Floor>();

  function keyOf({ consume, schedule }: ServicePlan): string {
    const names = [consume?.broker, schedule?.broker];
    return JSON.stringify([consume, schedule, ...names.map((name) => name && urls.get(name))]);
  }

  function find(service: ServicePlan): Entry {
    const key = keyOf(service);
    const all = entries.get(service.name) ?? [];
    const known = all.find((entry) => entry.key === key);
    if (known) return known;
    const before = all.at(-1)?.planned;
    const changed =
      before !== undefined && service.schedule !== undefined && isOtherTime(before, service.schedule);
    const made = makeEntry(service, { key, changed, floor: floor(service.name) }, makers, options);
    entries.set(service.name, [...all, made]);
    return made;
  }

  function floor(service: string): Floor {
    const known = floors.get(service) ?? createFloor();
    floors.set(service, known);
    return known;
  }

  /** Of the newest plan that a generation lives by: what was refused has none. */
  function newest(service: string): Entry | undefined {
    const all = entries.get(service);
    return all?.findLast(({ users }) => users > 0) ?? all?.at(-1);
  }

  function sweep(): void {
    for (const [name, all] of entries) {
      const kept = all.filter((entry) => entry.users > 0 || entry.key === current.get(name));
      for (const entry of all) if (!kept.includes(entry)) entry.close();
      if (kept.length > 0) entries.set(name, kept);
      else entries.delete(name);
    }
  }

  return {
    async prepare(plan) {
      const services = plan.services.filter(bringsWork);
      makers = await loadMakers(services, makers);
      urls = new Map((plan.brokers ?? []).map(({ name, url }) => [name, url]));
      current = new Map(services.map((service) => [service.name, keyOf(service)]));
      const names = new Set(plan.services.map(({ name }) => name));
      for (const name of noted.keys()) if (!names.has(name)) noted.delete(name);
      sweep();
    },
    enter(service) {
      if (!bringsWork(service)) return nothing;
      const entry = find(service);
      const { consumer, schedule, listeners } = entry;
      let listening: ((trouble: string | undefined) => void) | undefined;
      entry.users += 1;
      return {
        intakes: [consumer, schedule].filter((intake) => intake !== undefined),
        watch(listener) {
          listening = listener;
          listeners.add(listener);
          if (entry.trouble !== undefined) listener(entry.trouble);
        },
        leave() {
          if (listening) listeners.delete(listening);
          entry.users -= 1;
          sweep();
        },
      };
    },
    work() {
      const all: Record<string, ServiceWork> = {};
      for (const [name, generations] of noted) all[name] = (generations.at(-1) as Noted).work;
      for (const name of entries.keys()) all[name] = workOf(newest(name) as Entry);
      return all;
    },
    note(service, work, from) {
      const all = noted.get(service) ?? [];
      const known = all.find((each) => each.from === from);
      if (known) known.work = work;
      else noted.set(service, [...all.filter(({ isOver }) => !isOver), { from, work, isOver: false }]);
    },
    forget(service, from) {
      const all = noted.get(service) ?? [];
      for (const each of all) if (each.from === from) each.isOver = true;
      const rest = all.filter(({ isOver }) => !isOver);
      if (rest.length > 0) noted.set(service, rest);
    },
    keep(service, schedule) {
      far.set(service, [...(far.get(service) ?? []), schedule]);
      return () => {
        const others = far.get(service)?.filter((each) => each !== schedule) ?? [];
        if (others.length > 0) far.set(service, others);
        else far.delete(service);
      };
    },
    floor,
    schedule: (service) => newest(service)?.schedule ?? far.get(service)?.at(-1),
  };
}

/** This life of this process, unlike that of any other. */
const owner = newOwner();

const nothing: Entered = { intakes: [], watch() {}, leave() {} };

/** Whether main brings it. To a thread of its own work comes there. */
function bringsWork({ consume, schedule, worker }: ServicePlan): boolean {
  return (consume !== undefined || schedule !== undefined) && worker === undefined;
}

function workOf({ consumer, schedule }: Entry): ServiceWork {
  const [next] = schedule?.nextRuns(1) ?? [];
  return {
    ...(consumer ? { consumer: consumer.stats() } : {}),
    ...(schedule ? { schedule: { ...schedule.stats(), ...(next === undefined ? {} : { next }) } } : {}),
  };
}

interface Makers {
  readonly createQueueIntake?: MakeQueueIntake;
  readonly createScheduleIntake?: MakeScheduleIntake;
}

/** Only what the services need: cron expressions alone are a hundred kilobytes of code. */
async function loadMakers(services: readonly ServicePlan[], known: Makers): Promise<Makers> {
  const needs = (key: "consume" | "schedule") => services.some((service) => service[key] !== undefined);
  const [queue, schedule] = await Promise.all([
    needs("consume") ? import("./queue/queue-intake.ts") : known,
    needs("schedule") ? import("./schedule/schedule-intake.ts") : known,
  ]);
  return { ...known, ...queue, ...schedule };
}

function makeEntry(
  service: ServicePlan,
  { key, changed, floor }: { readonly key: string; readonly changed: boolean; readonly floor: Floor },
  makers: Makers,
  { brokers, clock, random, sink }: IntakesOptions,
): Entry {
  const { name, consume, schedule } = service;
  const log = createLogger(sink, clock.wall, { service: name });
  const reasons = new Map<string, string>();
  const told = (from: string) => (reason: string | undefined) => {
    if (reason === undefined) reasons.delete(from);
    else reasons.set(from, reason);
    // What the connection says goes first: the others follow from it.
    const [trouble] = [...reasons.keys()].sort().map((each) => reasons.get(each));
    if (trouble === entry.trouble) return;
    entry.trouble = trouble;
    for (const listener of entry.listeners) listener(trouble);
  };
  const used = new Set([consume?.broker, schedule?.broker].filter((broker) => broker !== undefined));
  const common = { service: name, clock, random, log };
  const entry: Entry = {
    key,
    planned: schedule,
    consumer:
      consume &&
      (makers.createQueueIntake as MakeQueueIntake)({
        ...common,
        plan: consume,
        driver: () => brokers.driver(consume.broker),
        floor,
        trouble: told("consume"),
      }),
    schedule:
      schedule &&
      (makers.createScheduleIntake as MakeScheduleIntake)({
        ...common,
        plan: schedule,
        ...(changed ? { changed } : {}),
        store: async () => (await brokers.driver(schedule.broker)).schedules,
        ...(schedule.enqueue ? { enqueue: enqueueOf(schedule, brokers) } : {}),
        owner,
        trouble: told("schedule"),
      }),
    listeners: new Set(),
    close() {
      for (const unwatch of unwatches) unwatch();
      entry.consumer?.close();
      entry.schedule?.close();
    },
    trouble: undefined,
    users: 0,
  };
  const unwatches = [...used].map((broker) => brokers.watch(broker, told(`broker ${broker}`)));
  return entry;
}

function isOtherTime(before: SchedulePlan, next: SchedulePlan): boolean {
  return before.cron !== next.cron || before.timezone !== next.timezone;
}

/** The task of one tick; whether one that is there already is an error is for the schedule to judge. */
function enqueueOf(
  { broker, enqueue }: SchedulePlan,
  brokers: Brokers,
): (task: { id: string; at: number }) => Promise<void> {
  const { type, payload, ...options } = enqueue as NonNullable<SchedulePlan["enqueue"]>;
  return async ({ id }) => {
    await brokers.queue(broker).enqueue(type, payload, { ...(options satisfies EnqueueOptions), id });
  };
}
