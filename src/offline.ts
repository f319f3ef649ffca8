import { existsSync } from "node:fs";
import { createBrokers } from "./brokers.ts";
import { systemClock } from "./core/clock.ts";
import { SupervisorError } from "./core/errors.ts";
import { createLogger } from "./core/log.ts";
import type { BrokerPlan, Plan } from "./core/plan.ts";
import type { QueueAnswers, QueueCommand } from "./core/queue-command.ts";
import { startHint } from "./core/sealed.ts";
import { operateOn } from "./queue-access.ts";

/** Commands that would make a file where none is. */
const making: ReadonlySet<QueueCommand["tag"]> = new Set(["enqueue", "pauseSchedule", "resumeSchedule"]);

const looking: ReadonlySet<QueueCommand["tag"]> = new Set([
  "queues",
  "queue",
  "history",
  "tasks",
  "task",
  "schedules",
  "runs",
  "next",
]);

/**
 * Carries out what an operator asks about queues, straight on the brokers of a plan: for when no supervisor runs that
 * could be asked. The brokers are opened for this one command.
 *
 * @throws SupervisorError as `operate`, and NOT_RUNNING for what only a running supervisor has
 */
export async function operateOffline(
  command: QueueCommand,
  plan: Plan,
): Promise<QueueAnswers[keyof QueueAnswers]> {
  const inMemory = (plan.brokers ?? []).filter(({ scheme }) => scheme === "memory");
  const brokers = createBrokers({
    brokers: (plan.brokers ?? []).map((broker) =>
      isAbsent(broker) && !making.has(command.tag) ? empty(broker) : broker,
    ),
    clock: systemClock,
    random: Math.random,
    looksOnly: looking.has(command.tag) || ("dryRun" in command && command.dryRun),
    // Whoever waits for the answer is told what is wrong; a log beside it would be in its way.
    log: createLogger(() => {}, systemClock.wall),
  });
  const assertKept = (name: string) => {
    if (inMemory.some((broker) => broker.name === name)) throw onlyInMemory(name);
  };
  try {
    return await operateOn(command, {
      plan: () => plan,
      clock: systemClock,
      brokers: {
        watch: brokers.watch,
        driver(name) {
          assertKept(name);
          return brokers.driver(name);
        },
        queue(name) {
          assertKept(name);
          return brokers.queue(name);
        },
      },
    });
  } finally {
    await brokers.closeAll();
  }
}

/** Looking at a queue that nothing was ever put into leaves no file behind. */
function isAbsent({ scheme, url }: BrokerPlan): boolean {
  const [, path = ""] = /^sqlite:([^?]*)/.exec(url) ?? [];
  return scheme === "sqlite" && !existsSync(path);
}

function empty({ name }: BrokerPlan): BrokerPlan {
  return { name, scheme: "memory", url: "memory:" };
}

function onlyInMemory(name: string): SupervisorError {
  return new SupervisorError(
    "NOT_RUNNING",
    `The broker "${name}" is in the memory of its supervisor, which does not run`,
    `${startHint()} A broker sqlite:… keeps tasks in a file.`,
  );
}
