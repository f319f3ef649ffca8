import type { Brokers } from "./brokers.ts";
import type { Plan, ServicePlan } from "./core/plan.ts";
import type { QueueAnswers, QueueCommand } from "./core/queue-command.ts";
import type { ScheduleRun } from "./core/task.ts";
import type { QueueAccess, ScheduleAccess } from "./queue/operate.ts";
import { operate } from "./queue/operate.ts";
import type { StoredSchedule } from "./schedule/stored-schedule.ts";
import { storedSchedule } from "./schedule/stored-schedule.ts";

export interface QueueAccessOptions {
  /** As it is now: a reload changes it. */
  readonly plan: () => Plan;
  readonly brokers: Pick<Brokers, "driver" | "queue">;
  /** What keeps the schedule of a service in this process; absent where nothing runs. */
  readonly live?: (service: string) => LiveSchedule | undefined;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
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

function accessTo({ plan, brokers, live, wall }: QueueAccessOptions): QueueAccess {
  function access({ name: entry, schedule }: ServicePlan): ScheduleAccess[] {
    if (!schedule) return [];
    const { broker } = schedule;
    const running = live?.(entry);
    const store = async () => (await brokers.driver(broker)).schedules;
    return [{ ...(running ?? storedSchedule({ entry, plan: schedule, store, wall })), entry, broker }];
  }
  return {
    get brokers() {
      return plan().brokers ?? [];
    },
    driver: (name) => brokers.driver(name),
    queue: (name) => brokers.queue(name),
    schedules: () => plan().services.flatMap(access),
  };
}
