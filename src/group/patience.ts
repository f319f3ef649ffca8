import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { formatDuration } from "../core/duration.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Host, Member } from "./host.ts";

/** Waits for `init()` or `start()` of a service within its start_timeout. Undefined when it is done; never rejects. */
export async function startInTime(
  { name, startTimeout }: Member,
  clock: Clock,
  hook: "init()" | "start()",
  work: Promise<void>,
): Promise<{ readonly error: unknown } | undefined> {
  const outcome = await within(clock, clock.now() + startTimeout, work);
  if (outcome.tag === "done") return undefined;
  if (outcome.tag === "failed") return { error: outcome.error };
  return {
    error: new SupervisorError(
      "START_TIMEOUT",
      `Service "${name}" was not ready within ${formatDuration(startTimeout)}: ${hook} has not resolved`,
      "Raise start_timeout; or, if the function blocks by design, call ctx.ready() in it or name it run().",
    ),
  };
}

/** Asks once; the reason why it is not well, or undefined. Never rejects. */
export async function probeInTime(host: Host, { health }: Member, clock: Clock): Promise<string | undefined> {
  const outcome = await within(clock, clock.now() + health.timeout, host.health());
  if (outcome.tag === "late") return `no answer within ${formatDuration(health.timeout)}`;
  if (outcome.tag === "failed") return messageOf(outcome.error);
  return outcome.value.status === "fail" ? (outcome.value.output ?? "says it is not well") : undefined;
}
