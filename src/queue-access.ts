import type { Brokers } from "./brokers.ts";
import type { Clock } from "./core/clock.ts";
import { within } from "./core/deadline.ts";
import { SupervisorError } from "./core/errors.ts";
import type { Plan, ServicePlan } from "./core/plan.ts";
import type { QueueAnswers, QueueCommand } from "./core/queue-command.ts";
import type { ScheduleRun } from "./core/task.ts";
import type { Driver } from "./queue/driver.ts";
import type { QueueAccess, ScheduleAccess } from "./queue/operate.ts";
import { operate } from "./queue/operate.ts";
import type { FarSchedule, StoredSchedule } from "./schedule/stored-schedule.ts";
import { farSchedule, storedSchedule } from "./schedule/stored-schedule.ts";

export interface QueueAccessOptions {
  /** As it is now: a reload changes it. */
  readonly plan: () => Plan;
  readonly brokers: Pick<Brokers, "driver" | "queue" | "watch">;
  /** What keeps the schedule of a service in this process, here or in a thread; absent where nothing runs. */
  readonly live?: (service: string) => LiveSchedule | FarSchedule | undefined;
  readonly clock: Clock;
}

interface LiveSchedule extends StoredSchedule {
  runNow(): Promise<ScheduleRun>;
}

/** Carries out what an operator asks about the queues, tasks and schedules of a plan. @throws as `operate` */
export function operateOn(
  command: QueueCommand,
  options: QueueAccessOptions,
): Promise<QueueAnswers[keyof QueueAnswers]> {
  return operate(command, accessTo(options));
}

const patienceMs = 5_000;

function accessTo({ plan, brokers, live, clock }: QueueAccessOptions): QueueAccess {
  const wall = () => clock.wall();

  /** Why it is away, as far as its driver can tell. */
  function troubleOf(name: string): string | undefined {
    let trouble: string | undefined;
    brokers.watch(name, (now) => {
      trouble = now;
    })();
    return trouble;
  }

  /** @throws SupervisorError BROKER_UNREACHABLE: services go on trying, whoever typed a command does not. */
  async function answering(name: string): Promise<Driver> {
    const driver = await brokers.driver(name);
    const connected = await within(clock, clock.now() + patienceMs, driver.connect());
    if (connected.tag === "done") return driver;
    if (connected.tag === "failed") throw connected.error;
    const late = `The broker "${name}" has not answered within ${patienceMs / 1_000} s`;
    const isFile = plan().brokers?.find((broker) => broker.name === name)?.scheme === "sqlite";
    const hint = isFile
      ? "See whether its disk is full or failing, or another process holds the file."
      : "Look whether it runs and can be reached from here.";
    throw new SupervisorError("BROKER_UNREACHABLE", troubleOf(name) ?? late, hint);
  }

  function access({ name: entry, schedule }: ServicePlan): ScheduleAccess[] {
    if (!schedule) return [];
    const { broker } = schedule;
    const store = async () => (await answering(broker)).schedules;
    const stored = storedSchedule({ entry, plan: schedule, store, wall });
    if (!live) return [{ ...stored, entry, broker }];
    const kept = live(entry);
    return [{ ...(kept && "info" in kept ? kept : farSchedule(entry, stored, kept)), entry, broker }];
  }
  return {
    get brokers() {
      return plan().brokers ?? [];
    },
    driver: answering,
    queue: (name) => brokers.queue(name),
    schedules: () => plan().services.flatMap(access),
  };
}
