import type { Clock } from "../core/clock.ts";
import type { ConsumerStats } from "../core/consumer-stats.ts";
import { newCounts } from "../core/consumer-stats.ts";
import { within } from "../core/deadline.ts";
import type { Floor, Gone } from "../core/floor.ts";
import type { Logger } from "../core/log.ts";
import type { ConsumePlan } from "../core/plan.ts";
import type { Intake, Lease } from "../service/intake.ts";
import { Consumer } from "./consumer.ts";
import type { Crew } from "./crew.ts";
import { createCrew } from "./crew.ts";
import type { Driver, Receiver } from "./driver.ts";
import { watchGroups } from "./group-watch.ts";
import { Groups } from "./groups.ts";
import { lacksHandler } from "./handlers.ts";
import { textOf } from "./retry.ts";
import { troubles } from "./trouble.ts";

export interface QueueIntakeOptions {
  readonly service: string;
  readonly plan: ConsumePlan;
  readonly driver: () => Driver | Promise<Driver>;
  /** Of the service: with a key, nothing is claimed before another plan's intake has nothing in its hands. */
  readonly floor: Floor;
  readonly clock: Clock;
  /** 0 ≤ random() < 1. */
  readonly random: () => number;
  readonly log: Logger;
  /** Why nothing can be received; undefined: it can again. Told at changes only. */
  readonly trouble: (reason: string | undefined) => void;
}

export type QueueIntake = Intake & { stats(): ConsumerStats };

/** Where it stands in the line for the floor. */
interface Place {
  leave: () => void;
}

/** So long a start waits for the broker; then the service counts as started, with a trouble. */
const patienceMs = 5_000;

/**
 * The messages of a service, across its generations. There is one subscription; a new generation takes over the handlers,
 * and what an older one has begun stays there until it ends, so that the order of a key holds across the change. Another
 * plan makes another intake, with a subscription of its own: the floor keeps that order then.
 */
export function createQueueIntake(options: QueueIntakeOptions): QueueIntake {
  const { service, plan, clock, random, log } = options;
  const voice = troubles(options.trouble);
  /** Those that may take messages, the newest last. */
  const open: Crew[] = [];
  /** Those and what drains: while there is one, the floor is ours, or asked for. */
  const lodged = new Set<Crew>();
  const closed = Promise.withResolvers<void>();
  let joining: Promise<Receiver> | undefined;
  let receiver: Receiver | undefined;
  let consumer: Consumer | undefined;
  let groups: Groups | undefined;
  let unwatch = () => {};
  let isQuiet = false;
  let isPaused = false;
  let isClosed = false;
  let mayClaim = false;
  let place: Place | undefined;
  let current: Crew | undefined;

  async function subscribe(): Promise<Receiver> {
    const driver = await options.driver();
    await driver.connect();
    receiver = driver.subscribe({
      consumer: service,
      queues: plan.queues,
      strict: plan.strict,
      lease: plan.lease,
      concurrency: plan.concurrency,
      ...(plan.groups ? { groups: plan.groups } : {}),
      onCancel: (id) => consumer?.cancel(id),
    });
    consumer = new Consumer({ plan, receiver, clock, random, trouble: voice });
    if (plan.groups) {
      groups = new Groups({
        receiver,
        broker: plan.broker,
        limits: plan.groups,
        retry: plan.retry,
        clock,
        random,
        trouble: voice("groups"),
      });
    } else if (!isClosed) {
      const queues = plan.queues.map(({ queue }) => queue);
      unwatch = watchGroups({ service, queues, inspector: driver.inspector, clock, log });
    }
    if (isClosed) await receiver.close();
    else turn();
    return receiver;
  }

  function join(): Promise<Receiver> {
    joining ??= subscribe().catch((error) => {
      joining = undefined;
      throw error;
    });
    return joining;
  }

  /** Brings the consumer to what holds now: who takes messages, if anybody. */
  function turn(): void {
    const next = isQuiet || isPaused || isClosed || !mayClaim ? undefined : open.at(-1);
    if (!consumer || next === current) return;
    current = next;
    if (next) {
      consumer.open(next);
      groups?.open(next);
    } else {
      consumer.shut();
      groups?.shut();
    }
  }

  function leave(crew: Crew): void {
    const index = open.indexOf(crew);
    if (index >= 0) open.splice(index, 1);
    turn();
  }

  function lodge(crew: Crew): void {
    lodged.add(crew);
    if (!place) {
      const taken: Place = { leave() {} };
      place = taken;
      taken.leave = options.floor.join((gone) => void claim(taken, gone));
    }
    // Where no order is promised nobody waits for anybody.
    if (plan.key === undefined) mayClaim = true;
  }

  /** The floor is ours. What those who are gone had comes first: it was begun before all that waits. */
  async function claim(granted: Place, gone: Gone): Promise<void> {
    try {
      if (gone.length > 0) await (await options.driver()).recover(gone);
    } catch (error) {
      log.warn("What an ended thread had comes back when its lease has run out", {
        service,
        error: textOf(error),
      });
    }
    if (granted !== place) return;
    mayClaim = true;
    turn();
  }

  /** `crew` has nothing in its hands any more. */
  async function dislodge(crew: Crew): Promise<void> {
    consumer?.leave(crew);
    // A newer generation goes on with the same subscription: what is told to the broker is told by it.
    if (!current) await consumer?.settled();
    lodged.delete(crew);
    if (lodged.size > 0 || !place) return;
    mayClaim = false;
    place.leave();
    place = undefined;
  }

  async function close(): Promise<void> {
    isClosed = true;
    closed.resolve();
    unwatch();
    turn();
    try {
      await receiver?.close();
    } catch (error) {
      log.warn("A subscription could not be closed: the broker will notice by itself", {
        service,
        error: textOf(error),
      });
    }
  }

  function leaseOf(crew: Crew): Lease {
    let isCut = false;
    const ended = Promise.withResolvers<void>();
    return {
      cutStreams: 0,
      async drain({ final }) {
        leave(crew);
        await Promise.race([Promise.all([runsEnd(crew), groups?.ended(crew)]), ended.promise]);
        await dislodge(crew);
        if (final) await close();
      },
      cut() {
        if (isCut) return;
        isCut = true;
        leave(crew);
        consumer?.cut(crew, current === undefined);
        ended.resolve();
        void dislodge(crew);
      },
      held() {
        let messages = groups?.isBusy(crew) ? 1 : 0;
        for (const run of crew.runs) messages += run.attempts.length;
        return { requests: 0, streams: 0, websockets: 0, messages };
      },
    };
  }

  return {
    needsFetch: false,
    lacks: (candidate) => lacksHandler(candidate, plan),
    async join() {
      // One that is closed has nothing to wait for: its broker is closed next, which would look like a failure.
      const joined = Promise.race([join(), closed.promise]);
      const outcome = await within(clock, clock.now() + patienceMs, joined);
      if (outcome.tag === "failed") throw outcome.error;
      if (outcome.tag === "done") return;
      const tell = voice("join");
      tell(new Error(`The broker "${plan.broker}" does not answer`));
      // Trying again goes on: it ends with the broker's answer, or because that is useless.
      join().then(
        () => tell(undefined),
        (error) => tell(error),
      );
    },
    open(target) {
      const crew = createCrew(target, plan);
      open.push(crew);
      lodge(crew);
      // Whoever joined has waited for it already, and knows what is wrong.
      if (!consumer) join().catch(voice("join"));
      turn();
      return leaseOf(crew);
    },
    quiet() {
      isQuiet = true;
      turn();
    },
    pause() {
      isPaused = true;
      turn();
    },
    resume() {
      isPaused = false;
      turn();
    },
    close: () => void close(),
    stats: () => ({
      ...(consumer?.stats() ?? nothingYet()),
      ...(groups ? { groups: groups.stats() } : {}),
    }),
  };
}

/** Resolves when nothing runs any more; nothing begins. */
function runsEnd(crew: Crew): Promise<void> {
  return new Promise((resolve) => {
    crew.onIdle = resolve;
    if (crew.runs.size === 0) resolve();
  });
}

function nothingYet(): ConsumerStats {
  const none = { counts: newCounts(), sum: 0 };
  return {
    received: 0,
    done: 0,
    failed: 0,
    dead: 0,
    released: 0,
    lost: 0,
    active: 0,
    buffered: 0,
    blockedKeys: 0,
    lag: 0,
    latency: none,
    duration: none,
  };
}
