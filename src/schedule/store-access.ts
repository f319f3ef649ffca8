import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import { retryDelay } from "../core/retry-delay.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";

/** How long something is tried again. */
export interface Patience {
  /** Milliseconds since 1970. The first try is made in any case. */
  readonly until: number;
  /** Ends the waiting between two tries; a try that has begun goes on. */
  readonly signal?: AbortSignal;
}

export interface StoreAccess {
  /** One try. @throws what the store throws, BROKER_UNREACHABLE when it does not answer */
  once<T>(work: (store: ScheduleStore) => Promise<T>): Promise<T>;
  /** Tries until it works; undefined when the patience is over. `again` is true after a try whose end is not known. */
  patiently<T>(
    work: (store: ScheduleStore, again: boolean) => Promise<T>,
    patience: Patience,
  ): Promise<{ readonly value: T } | undefined>;
}

interface Options {
  readonly store: () => ScheduleStore | Promise<ScheduleStore>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told once per change; undefined: it answers again. */
  readonly trouble: (reason: string | undefined) => void;
}

const answerTime = 10_000;
const shortestAnswerTime = 1_000;

/** The store of a schedule, which may be away for a while. */
export function createStoreAccess({ store, clock, random, trouble }: Options): StoreAccess {
  let told: string | undefined;
  const tell = (reason: string | undefined) => {
    if ((reason === undefined) === (told === undefined)) return;
    told = reason;
    trouble(reason);
  };

  async function attempt<T>(work: (store: ScheduleStore) => Promise<T>, limit: number): Promise<T> {
    const answer = await within(clock, clock.now() + limit, (async () => work(await store()))());
    if (answer.tag === "done") {
      tell(undefined);
      return answer.value;
    }
    const error = answer.tag === "failed" ? answer.error : noAnswer(limit);
    tell(messageOf(error));
    throw error;
  }

  return {
    once: (work) => attempt(work, answerTime),
    async patiently(work, { until, signal }) {
      for (let tries = 0; ; tries++) {
        const left = () => until - clock.wall() - 1;
        try {
          const limit = Math.min(answerTime, Math.max(shortestAnswerTime, left()));
          return { value: await attempt((known) => work(known, tries > 0), limit) };
        } catch {
          // `trouble` has been told; what is left to do here is to try again.
          const pause = retryDelay(tries + 1, random());
          const room = left() - shortestAnswerTime;
          if (signal?.aborted || room <= 0) return undefined;
          await sleep(clock, Math.min(pause, room), signal);
          if (signal?.aborted) return undefined;
        }
      }
    },
  };
}

function noAnswer(limit: number): SupervisorError {
  return new SupervisorError(
    "BROKER_UNREACHABLE",
    `The broker has not answered for ${Math.round(limit / 1_000)} s`,
    "Look whether it runs and can be reached from here.",
  );
}
