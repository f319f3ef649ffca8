import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import type { ConsumePlan } from "../core/plan.ts";
import { Attempt } from "./attempt.ts";
import type { Outcome } from "./batch-call.ts";
import { callBatch } from "./batch-call.ts";
import type { Crew, Run } from "./crew.ts";
import { Deadlines } from "./deadlines.ts";
import type { Decision, Item, Unit } from "./item.ts";
import type { Facts } from "./outcome.ts";
import { outcomeDecision, saidDecision } from "./outcome.ts";
import { afterFailure, beforeAttempt, isSuspect, park } from "./retry.ts";
import type { TaskLog } from "./task-log.ts";

export interface RunnerOptions {
  readonly plan: ConsumePlan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tasks: TaskLog;
  /** False: it was decided before, or is not ours any more. */
  readonly decide: (item: Item, decision: Decision) => boolean;
  readonly freed: (unit: Unit) => void;
  readonly progress: (item: Item, text: string) => Promise<void>;
  readonly began: (item: Item, wall: number) => void;
  readonly ended: (durationMs: number) => void;
}

/** How long a handler whose attempt is over may keep its slot and its lane. */
const patienceMs = 30_000;

/**
 * Calls handlers and decides what becomes of their messages. An attempt ends with its time-out, its deadline, `cancel`, a
 * lost lease or the end of the service's time; the handler is told by its signal, and what it does later settles nothing.
 * Its slot and its lane stay taken until it has really returned, for nothing can stop it; asynq's processor.go starts the
 * next one at once, beside it. Only after thirty seconds of that the slot is given back, and the log says so.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #deadlines: Deadlines<Run>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (run) => {
      run.timer = undefined;
      if (run.phase === "running") this.#timeOut(run);
      else this.#leak(run);
    });
  }

  start(unit: Unit, crew: Crew): void {
    const { clock, began } = this.#options;
    const wall = clock.wall();
    const items = this.#admit(unit.items, crew, wall);
    if (items.length === 0) {
      this.#options.freed(unit);
      return;
    }
    const attempts = items.map((item) => new Attempt(item, this.#options.progress));
    const run: Run = {
      unit,
      crew,
      attempts,
      startedAt: clock.now(),
      timeout: 0,
      timer: undefined,
      phase: "running",
    };
    crew.runs.add(run);
    this.#watch(run, wall);
    for (const item of items) {
      if (isSuspect(item.delivery)) this.#options.tasks.suspected(crew.log, item);
      began(item, wall);
    }
    this.#call(run);
  }

  /** An operator wants it to stop: it is never tried again (asynq tries it again: issues 420 and 532 there). */
  cancel(run: Run, item: Item): void {
    this.#options.decide(item, { tag: "dead", error: "cancelled" });
    this.#abort(run, item, errorNamed("AbortError", "The task was cancelled"));
  }

  /** Its lease is somebody else's. */
  lost(run: Run, item: Item): void {
    this.#abort(
      run,
      item,
      errorNamed("AbortError", "The lease of the message is lost: another consumer has it"),
    );
  }

  /** The time of the service is over: what is not decided goes back without an attempt. */
  cut(crew: Crew): void {
    for (const run of [...crew.runs]) {
      const reason = errorNamed("AbortError", "The service stops, and its time is over");
      for (const { item } of run.attempts) {
        this.#options.decide(item, { tag: "release" });
        this.#tell(run, item, reason);
      }
      this.#over(run);
    }
  }

  rest(): void {
    this.#deadlines.rest();
  }

  /** Those that can be tried at all. */
  #admit(items: readonly Item[], crew: Crew, wall: number): readonly Item[] {
    const refused = (item: Item) =>
      beforeAttempt(item.delivery, wall) ??
      (crew.isBatch || crew.find(item.delivery.type) ? undefined : park(item.delivery, wall));
    return items.filter((item) => {
      if (item.fenced) return false;
      const decision = refused(item);
      if (!decision) return true;
      this.#options.decide(item, decision);
      this.#options.tasks.refused(crew.log, item, decision);
      return false;
    });
  }

  #watch(run: Run, wall: number): void {
    let wait = Number.POSITIVE_INFINITY;
    for (const { item } of run.attempts) {
      const timeout = item.delivery.timeout || this.#options.plan.timeout;
      const left = item.delivery.deadline - wall;
      if (timeout > 0 && timeout < wait) {
        wait = timeout;
        run.timeout = timeout;
      }
      if (item.delivery.deadline > 0 && left < wait) {
        wait = left;
        run.timeout = 0;
      }
    }
    if (wait < Number.POSITIVE_INFINITY) run.timer = this.#deadlines.add(run.startedAt + wait, run);
  }

  #call(run: Run): void {
    const { crew, attempts } = run;
    const { service, ctx } = crew.life;
    let returned: unknown;
    try {
      returned = crew.life.enter(() => {
        if (crew.isBatch)
          return callBatch(
            service,
            attempts.map(({ message }) => message),
            ctx,
          );
        const [{ message, item }] = attempts as [Attempt];
        const value = crew.find(item.delivery.type)?.(message, ctx);
        return isThenable(value) ? Promise.resolve(value) : value;
      });
    } catch (error) {
      this.#conclude(run, { tag: "threw", error });
      return;
    }
    if (!(returned instanceof Promise)) {
      this.#conclude(run, { tag: "returned", value: returned });
      return;
    }
    returned.then(
      (value) =>
        this.#conclude(run, crew.isBatch ? (value as readonly Outcome[]) : { tag: "returned", value }),
      (error) => this.#conclude(run, { tag: "threw", error }),
    );
  }

  #conclude(run: Run, outcome: Outcome | readonly Outcome[]): void {
    const { clock, random, plan } = this.#options;
    const facts: Facts = { now: clock.wall(), random, retry: plan.retry, log: run.crew.log };
    for (const [index, attempt] of run.attempts.entries()) {
      // The first one to end decides: a time-out, a cancel, a lost lease, or the handler.
      if (attempt.item.fenced) continue;
      const own = (Array.isArray(outcome) ? outcome[index] : outcome) as Outcome;
      const { decision, error } = attempt.said
        ? saidDecision(attempt.item, attempt.said, facts)
        : outcomeDecision(attempt.item, own, facts);
      this.#options.decide(attempt.item, decision);
      if (decision.tag !== "ack") this.#options.tasks.failed(run.crew.log, attempt.item, decision, error);
    }
    this.#over(run);
  }

  #timeOut(run: Run): void {
    const { clock, random, plan, decide, tasks } = this.#options;
    const now = clock.wall();
    const reason = errorNamed("TimeoutError", `The attempt ${limitOf(run)}`);
    for (const { item } of run.attempts) {
      const failure = { error: reason.message };
      const decision = afterFailure(item.delivery, plan.retry, failure, { now, random: random() });
      if (decide(item, decision)) tasks.failed(run.crew.log, item, decision, reason);
      this.#tell(run, item, reason);
    }
    this.#overdue(run);
  }

  #abort(run: Run, item: Item, reason: Error): void {
    this.#tell(run, item, reason);
    // The others of a batch may still be done.
    if (run.attempts.every((attempt) => attempt.item.fenced)) this.#overdue(run);
  }

  #tell(run: Run, item: Item, reason: Error): void {
    const attempt = run.attempts.find((each) => each.item === item);
    run.crew.life.enter(() => attempt?.abort(reason));
  }

  #overdue(run: Run): void {
    if (run.phase !== "running") return;
    run.phase = "overdue";
    if (run.timer) this.#deadlines.remove(run.timer);
    run.timer = this.#deadlines.add(this.#options.clock.now() + patienceMs, run);
  }

  #leak(run: Run): void {
    for (const { item } of run.attempts) this.#options.tasks.leaked(run.crew.log, item, patienceMs);
    this.#over(run);
  }

  #over(run: Run): void {
    if (run.phase === "over") return;
    run.phase = "over";
    if (run.timer) this.#deadlines.remove(run.timer);
    run.crew.runs.delete(run);
    this.#options.ended(this.#options.clock.now() - run.startedAt);
    this.#options.freed(run.unit);
    if (run.crew.runs.size === 0) run.crew.onIdle?.();
  }
}

function limitOf({ timeout }: Run): string {
  return timeout > 0
    ? `took longer than its time-out of ${formatDuration(timeout)}`
    : "ran into its deadline";
}

function errorNamed(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

function isThenable(value: unknown): boolean {
  return (
    value instanceof Promise ||
    ((typeof value === "object" || typeof value === "function") &&
      value !== null &&
      typeof (value as { then?: unknown }).then === "function")
  );
}
