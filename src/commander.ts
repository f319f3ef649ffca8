import type {
  Command,
  CommandError,
  CommandResult,
  InjectedRequest,
  InjectedResponse,
  StepResult,
  Verb,
} from "./core/command.ts";
import { messageOf, SupervisorError } from "./core/errors.ts";
import { matchNames } from "./core/glob.ts";
import { nearest } from "./core/nearest.ts";
import type { QueueAnswers, QueueCommand } from "./core/queue-command.ts";
import type { StopCause, StopReport } from "./core/report.ts";

export interface CommanderOptions {
  readonly group: {
    perform(verb: Verb, names: readonly string[]): Promise<StepResult[]>;
    stop(cause: StopCause): Promise<StopReport>;
  };
  /** The services there are now, in the order of services.yaml. */
  readonly names: () => readonly string[];
  /** Absent for a program that has no services.yaml. */
  readonly reload?: (dryRun: boolean) => Promise<CommandResult>;
  readonly inject: (service: string, request: InjectedRequest) => Promise<InjectedResponse>;
  /** Absent for a program that can have no brokers. */
  readonly queues?: (command: QueueCommand) => Promise<QueueAnswers[keyof QueueAnswers]>;
}

/** Carries out what an operator asks for, on the main thread. What it returns never rejects. */
export function createCommander(options: CommanderOptions): (command: Command) => Promise<CommandResult> {
  return async (command) => {
    try {
      return await execute(command, options);
    } catch (error) {
      return refused(asError(error));
    }
  };
}

async function execute(command: Command, options: CommanderOptions): Promise<CommandResult> {
  const { group, names, reload, inject, queues } = options;
  switch (command.tag) {
    case "reload":
      if (reload) return reload(command.dryRun);
      throw new SupervisorError(
        "UNSUPPORTED",
        "This program has no services.yaml that could be read again",
        "Start it with: supervisor run services.yaml.",
      );
    case "inject":
      assertKnown([command.service], names());
      return { outcome: "done", steps: [], response: await inject(command.service, command.request) };
    case "queues":
      if (queues) return { outcome: "done", steps: [], answer: await queues(command.command) };
      throw new SupervisorError(
        "UNSUPPORTED",
        "This program has no brokers",
        "They are in the services.yaml of: supervisor run services.yaml.",
      );
    case "shutdown":
      return shutdown(await group.stop({ tag: "request" }));
    default: {
      const steps = await group.perform(command.tag, assertKnown(command.services, names()));
      return { outcome: steps.some((step) => step.outcome === "failed") ? "failed" : "done", steps };
    }
  }
}

/** @throws SupervisorError UNKNOWN_SERVICE when a pattern fits no name: nothing is done by halves. */
function assertKnown(patterns: readonly string[], names: readonly string[]): readonly string[] {
  const { matched, unmatched } = matchNames(patterns, names);
  const [unknown] = unmatched;
  if (unknown === undefined) return matched;
  const near = nearest(unknown, names);
  const hint = near ? `Did you mean "${near}"?` : `Known services: ${names.join(", ")}`;
  const message = /[*?]/.test(unknown)
    ? `No service fits "${unknown}"`
    : `No service has the name "${unknown}"`;
  throw new SupervisorError("UNKNOWN_SERVICE", message, hint);
}

function shutdown(report: StopReport): CommandResult {
  const steps = report.services.map(({ service, generation, outcome, durationMs, error }): StepResult => {
    const ended = outcome !== "abandoned" && outcome !== "failed";
    const step = { subject: service, action: "stop", generation, durationMs } as const;
    if (ended) return { ...step, outcome: "done" };
    const message = error ?? (outcome === "abandoned" ? "cut off at its deadline" : "its stop failed");
    return {
      ...step,
      outcome: "failed",
      error: { code: "RUN_FAILED", message, hint: "See the stop report." },
    };
  });
  return { outcome: report.outcome === "clean" ? "done" : "failed", steps };
}

function refused(error: CommandError): CommandResult {
  return { outcome: "failed", steps: [], problems: [error] };
}

function asError(error: unknown): CommandError {
  if (error instanceof SupervisorError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: "INTERNAL", message: messageOf(error), hint: "The log tells more." };
}
