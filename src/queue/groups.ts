import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import type { GroupStats } from "../core/consumer-stats.ts";
import { formatDuration } from "../core/duration.ts";
import type { ConsumePlan } from "../core/plan.ts";
import { retryDelay } from "../core/retry-delay.ts";
import { Attempt } from "./attempt.ts";
import type { Crew } from "./crew.ts";
import type { GroupLimits, GroupSet, Receiver } from "./driver.ts";
import { GroupFailures } from "./group-failures.ts";
import { Item } from "./item.ts";
import { newTask } from "./producer.ts";
import { shown } from "./producer-invalid.ts";
import { refusalOf } from "./producer-refusal.ts";
import { textOf } from "./retry.ts";
import { longestPauseMs } from "./trouble.ts";

export interface GroupsOptions {
  readonly receiver: Pick<Receiver, "dueGroups" | "commitGroup" | "releaseGroup">;
  /** Its name in services.yaml, for errors. */
  readonly broker: string;
  readonly limits: GroupLimits;
  readonly retry: ConsumePlan["retry"];
  readonly clock: Clock;
  readonly random: () => number;
  /** The broker did not answer, or did again (undefined). */
  readonly trouble: (error: unknown) => void;
}

/** asynq looks every seven seconds at most (aggregator.go, maxInterval), and as often as the grace period is long. */
const rarest = 7_000;
const mostOften = 1_000;
/** In characters: it goes to the operator's plane with every change of the stats. */
const longestError = 500;

/**
 * Has `aggregate` of a service make one task of all tasks of a group that is due, as asynq's aggregator.go; the task is
 * enqueued and the group removed in one step. A group whose `aggregate` fails waits again,
 * and is tried ever less often.
 */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #interval: number;
  readonly #failed: GroupFailures;
  readonly #runs = new WeakMap<Crew, Promise<void>>();
  #aborter: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  /** Whose `aggregate` has been called and has not ended. */
  #busy: Crew | undefined;
  #failures = 0;
  /** Calls of `aggregate` that failed. */
  #failedCalls = 0;
  #lastError: GroupStats["lastError"];

  constructor(options: GroupsOptions) {
    const { grace } = options.limits;
    this.#options = options;
    this.#failed = new GroupFailures(options.retry, options.random);
    this.#interval = Math.max(mostOften, Math.min(rarest, grace || rarest));
  }

  /** Whether `aggregate` of this crew has been called and has not ended. */
  isBusy(crew: Crew): boolean {
    return this.#busy === crew;
  }

  stats(): GroupStats {
    const failing = this.#failed.size;
    return {
      failed: this.#failedCalls,
      failing,
      ...(this.#lastError ? { lastError: this.#lastError } : {}),
    };
  }

  /** From now on `crew` is asked, instead of whoever was. */
  open(crew: Crew): void {
    this.#aborter?.abort();
    const aborter = new AbortController();
    this.#aborter = aborter;
    this.#running = this.#running.then(() => this.#run(crew, aborter.signal));
    this.#runs.set(crew, this.#running);
  }

  /** Nobody is asked any more. */
  shut(): void {
    this.#aborter?.abort();
    this.#aborter = undefined;
  }

  /** Once another crew is asked, or nobody: resolves when the last call of this one has ended. */
  async ended(crew: Crew): Promise<void> {
    await this.#runs.get(crew);
  }

  async #run(crew: Crew, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    while (!signal.aborted) {
      await this.#round(crew, signal);
      const wait = this.#failures > 0 ? retryDelay(this.#failures, random(), longestPauseMs) : this.#interval;
      await sleep(clock, wait, signal);
    }
  }

  async #round(crew: Crew, signal: AbortSignal): Promise<void> {
    let sets: readonly GroupSet[];
    try {
      sets = await this.#options.receiver.dueGroups();
    } catch (error) {
      this.#failures++;
      this.#options.trouble(error);
      return;
    }
    if (this.#failures > 0) this.#options.trouble(undefined);
    this.#failures = 0;
    for (const set of sets) {
      const isResting = this.#failed.isResting(idOf(set), this.#options.clock.now());
      if (signal.aborted || isResting) await this.#release(set, crew);
      else await this.#aggregate(set, crew);
    }
  }

  async #aggregate(set: GroupSet, crew: Crew): Promise<void> {
    const { receiver, clock } = this.#options;
    const { service, ctx } = crew.life;
    const about = { group: set.group, queue: set.queue, tasks: set.tasks.length };
    this.#busy = crew;
    try {
      const messages = set.tasks.map(
        (delivery) => new Attempt(new Item(delivery, clock.now()), noProgress).message,
      );
      const request = await crew.life.enter(async () => service.aggregate?.(set.group, messages, ctx));
      if (typeof request !== "object" || request === null || Array.isArray(request)) {
        throw new TypeError(`aggregate() returned ${shown(request)}, and not a task`);
      }
      const task = newTask({ queue: set.queue, ...request }, () => `${set.id}:aggregate`, clock.wall());
      const result = await receiver.commitGroup(set, task);
      if (result === "conflict" || result === "duplicate")
        throw refusalOf(task, result, this.#options.broker);
      if (result === "lost") crew.log.warn("aggregate() took too long: its group is done by another", about);
      if (this.#failed.forget(idOf(set))) crew.log.info("The tasks of a group are made one again", about);
    } catch (error) {
      const { wait, isNews } = this.#failed.add(idOf(set), error, clock.now());
      this.#note(set, error);
      const text = `The tasks of a group could not be made one: tried again in ${formatDuration(wait)}`;
      // A group that fails in the same way again is no news, and its stack would be in the log for ever.
      if (isNews) crew.log.error(text, { ...about, error });
      else crew.log.debug(text, about);
      await this.#release(set, crew);
    }
    this.#busy = undefined;
  }

  #note({ queue, group }: GroupSet, error: unknown): void {
    const text = textOf(error);
    const shown = text.length > longestError ? `${text.slice(0, longestError - 1)}…` : text;
    this.#failedCalls++;
    this.#lastError = { queue, group, error: shown, at: this.#options.clock.wall() };
  }

  async #release(set: GroupSet, crew: Crew): Promise<void> {
    try {
      await this.#options.receiver.releaseGroup(set);
    } catch (error) {
      // The broker gives it back by itself, when its two minutes are over.
      crew.log.debug("A group could not be given back", { group: set.group, error: textOf(error) });
    }
  }
}

function idOf({ queue, group }: GroupSet): string {
  return `${queue}\0${group}`;
}

async function noProgress(): Promise<void> {}
