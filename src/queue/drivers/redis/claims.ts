import { sleep } from "../../../core/clock.ts";
import { SupervisorError } from "../../../core/errors.ts";
import type { Subscription } from "../../driver.ts";
import { shares } from "../queue-choice.ts";
import { keys } from "./keys.ts";
import type { Argument } from "./link.ts";
import { claimScript } from "./lua/claim.ts";
import type { ReceiverParts } from "./receiver-parts.ts";
import { brokerError } from "./redis-error.ts";
import { script } from "./script.ts";
import type { RedisDelivery, Rest } from "./task-form.ts";
import { deliveryOf, nanosToMs } from "./task-form.ts";
import { decodeTaskMessage } from "./task-message.ts";
import { nextList, nextText, nextValue, packedIn } from "./unpack.ts";

export interface Claimed {
  readonly deliveries: readonly RedisDelivery[];
  readonly paused: ReadonlySet<string>;
  /** When the next task that waits for its time is due, by queue. */
  readonly nextDue: readonly (readonly [queue: string, at: number])[];
}

/**
 * Claims up to `max` tasks: in one call for all queues, in a Cluster in one for each until there are enough. Never
 * rejects because Redis is away: then it claims nothing. A queue with a key of another program counts as paused.
 *
 * @throws SupervisorError BROKER_KEY when there is no other queue
 */
export function createClaims(
  parts: ReceiverParts,
  subscription: Subscription,
): (max: number) => Promise<Claimed> {
  const { link, clock, times, tending, holder, random, number } = parts;
  let count = 0;

  async function call(wanted: readonly { queue: string; share: number }[], max: number): Promise<Answer[]> {
    const name = `${holder}|${number}.${++count}`;
    const now = times.ms();
    const leaseEnd = times.leaseEnd(subscription.lease);
    const args: Argument[] = [max, now, leaseEnd, name];
    for (const { share } of wanted) args.push(share);
    try {
      const names = wanted.map(({ queue }) => keys.queue(queue));
      const replies = (await link.run(claimCall, names, args)) as [number, Buffer, Buffer, Buffer?][];
      if (replies.every(([, , , wrong]) => wrong))
        throw brokerError(`WRONGTYPE ${replies[0]?.[3]}`, link.broker);
      return replies.map(([paused, due, tasks], index) => {
        const { queue } = wanted[index] as { queue: string };
        return {
          queue,
          isPaused: paused === 1,
          nextDue: Number(due.toString()),
          deliveries: deliveriesOf(tasks, queue, { name, leaseEnd }, now),
        };
      });
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
      tending.abandon(name);
      if (error.code === "BROKER_KEY") throw error;
      // While Redis is there and refuses (its memory is full, a right is missing) the next try can wait.
      if (link.isUp()) await sleep(clock, 1_000);
      return [];
    }
  }

  return async (max) => {
    const answers: Answer[] = [];
    if (!link.isCluster) {
      answers.push(...(await call(shares(subscription.queues, subscription.strict, max, random), max)));
    } else {
      for (const { queue } of shares(subscription.queues, subscription.strict, max, random)) {
        const left = max - answers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
        if (left > 0) answers.push(...(await call([{ queue, share: left }], left)));
      }
    }
    return {
      deliveries: answers.flatMap(({ deliveries }) => deliveries),
      paused: new Set(answers.filter(({ isPaused }) => isPaused).map(({ queue }) => queue)),
      nextDue: answers.filter(({ nextDue }) => nextDue > 0).map(({ queue, nextDue }) => [queue, nextDue]),
    };
  };
}

/** `tasks`: four values for each (lua/claim.ts). They are read where they are: to cut them out would cost as much again. */
function deliveriesOf(tasks: Buffer, queue: string, claim: Claim, now: number): RedisDelivery[] {
  const cursor = packedIn(tasks);
  const deliveries: RedisDelivery[] = new Array(nextList(cursor) / 4);
  for (let index = 0; index < deliveries.length; index++) {
    nextText(cursor);
    const id = tasks.toString("utf8", cursor.from, cursor.at);
    nextText(cursor);
    const message = decodeTaskMessage(tasks, { id, queue }, cursor);
    const dueAt = nextText(cursor) ? nanosToMs(tasks, cursor.from, cursor.at) : now;
    const rest = nextValue(cursor) as Rest | Buffer;
    deliveries[index] = deliveryOf(message, dueAt, Buffer.isBuffer(rest) ? undefined : rest, claim, now);
  }
  return deliveries;
}

interface Claim {
  readonly name: string;
  readonly leaseEnd: number;
}

interface Answer {
  readonly queue: string;
  readonly isPaused: boolean;
  readonly nextDue: number;
  readonly deliveries: readonly RedisDelivery[];
}

const claimCall = script(claimScript);
