import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { BrokerInfo, QueueAnswers, QueueCommand } from "../core/queue-command.ts";
import type { ScheduleInfo, ScheduleRun } from "../core/task.ts";
import type { Queue } from "../service/message.ts";
import type { Driver, Inspector } from "./driver.ts";
import { enqueueFor } from "./operate-enqueue.ts";
import { drainQueue, queueNamed, queueWithServers } from "./operate-queues.ts";
import { actOnTasks, listTasks, taskNamed } from "./operate-tasks.ts";

/** What operators' commands work on: that of a running supervisor, or opened for one command. */
export interface QueueAccess {
  /** In the order of services.yaml; the first is the default. */
  readonly brokers: readonly BrokerInfo[];
  driver(broker: string): Promise<Driver>;
  queue(broker: string): Queue;
  schedules(): readonly ScheduleAccess[];
}

export interface ScheduleAccess {
  /** The service. */
  readonly entry: string;
  readonly broker: string;
  info(): Promise<ScheduleInfo>;
  /** The next `count` planned times. */
  nextRuns(count: number): readonly number[];
  /** The newest first. */
  history(limit: number): Promise<readonly ScheduleRun[]>;
  setPaused(paused: boolean): Promise<void>;
  /** Absent where its service does not run. */
  runNow?(): Promise<ScheduleRun>;
}

type Answer = QueueAnswers[keyof QueueAnswers];

/**
 * Carries out what an operator asks about queues, tasks and schedules.
 *
 * @throws SupervisorError UNKNOWN_BROKER, UNKNOWN_QUEUE, UNKNOWN_TASK, UNKNOWN_SCHEDULE, NOT_RUNNING, TASK_…, BROKER_…
 */
export async function operate(command: QueueCommand, access: QueueAccess): Promise<Answer> {
  switch (command.tag) {
    case "brokers":
      return { brokers: access.brokers.map(({ name, scheme }) => ({ name, scheme })) };
    case "enqueue":
      return enqueueFor(access.queue(brokerOf(command, access)), command.task);
    case "schedules":
    case "runs":
    case "next":
    case "runNow":
    case "pauseSchedule":
    case "resumeSchedule":
      return onSchedules(command, access);
    default: {
      const broker = brokerOf(command, access);
      return onQueues(command, broker, (await access.driver(broker)).inspector);
    }
  }
}

type ScheduleTag = "schedules" | "runs" | "next" | "runNow" | "pauseSchedule" | "resumeSchedule";
type OnSchedules = Extract<QueueCommand, { tag: ScheduleTag }>;
type OnQueues = Exclude<QueueCommand, { tag: ScheduleTag | "brokers" | "enqueue" }>;

async function onQueues(command: OnQueues, broker: string, inspector: Inspector): Promise<Answer> {
  switch (command.tag) {
    case "queues":
      return { broker, queues: await inspector.queues() };
    case "queue":
      return { broker, ...(await queueWithServers(inspector, command.queue)) };
    case "history": {
      const queue = await queueNamed(inspector, command.queue);
      return { queue, days: await inspector.history(queue, command.days) };
    }
    case "pause":
    case "resume": {
      const queue = await queueNamed(inspector, command.queue);
      await inspector[command.tag](queue);
      return { queue, paused: command.tag === "pause" };
    }
    case "drain":
      return drainQueue(inspector, await queueNamed(inspector, command.queue), command.dryRun);
    case "tasks":
      return listTasks(inspector, command);
    case "task":
      return taskNamed(inspector, command.id, command.queue);
    case "act":
      return actOnTasks(inspector, command);
  }
}

async function onSchedules(command: OnSchedules, access: QueueAccess): Promise<Answer> {
  if (command.tag === "schedules") {
    const { broker } = command;
    const chosen = access.schedules().filter((one) => broker === undefined || one.broker === broker);
    return { schedules: await Promise.all(chosen.map((schedule) => schedule.info())) };
  }
  const { entry } = command;
  const schedule = scheduleNamed(entry, access.schedules());
  switch (command.tag) {
    case "runs":
      return { entry, runs: await schedule.history(command.limit) };
    case "next":
      return { entry, next: schedule.nextRuns(command.count) };
    case "runNow":
      if (schedule.runNow) return { entry, run: await schedule.runNow() };
      throw new SupervisorError(
        "NOT_RUNNING",
        `"${entry}" does not run, so nobody could do it`,
        `Start it: supervisor start ${entry}; or the whole: supervisor run.`,
      );
    case "pauseSchedule":
    case "resumeSchedule": {
      const paused = command.tag === "pauseSchedule";
      await schedule.setPaused(paused);
      return { entry, paused };
    }
  }
}

function brokerOf({ broker }: QueueCommand, { brokers }: QueueAccess): string {
  const names = brokers.map(({ name }) => name);
  const name = broker ?? names[0];
  if (name === undefined) {
    throw new SupervisorError(
      "UNKNOWN_BROKER",
      "services.yaml has no brokers:",
      "A service with consume: or schedule: brings one; or write brokers: { main: sqlite:./data/queue.db }.",
    );
  }
  if (names.includes(name)) return name;
  throw unknown("UNKNOWN_BROKER", "broker", name, names);
}

function scheduleNamed(entry: string, schedules: readonly ScheduleAccess[]): ScheduleAccess {
  const found = schedules.find((one) => one.entry === entry);
  if (found) return found;
  throw unknown(
    "UNKNOWN_SCHEDULE",
    "schedule",
    entry,
    schedules.map((one) => one.entry),
  );
}

function unknown(
  code: "UNKNOWN_BROKER" | "UNKNOWN_SCHEDULE",
  what: string,
  name: string,
  names: readonly string[],
): SupervisorError {
  const near = nearest(name, names);
  const known = names.length > 0 ? `Known: ${names.join(", ")}.` : `There are none in services.yaml.`;
  return new SupervisorError(
    code,
    `No ${what} has the name "${name}"`,
    near ? `Did you mean "${near}"?` : known,
  );
}
