import type { Driver, DriverOptions, OpenDriver, Receiver } from "../driver.ts";
import { readAddress } from "./redis/address.ts";
import { createEnqueuing } from "./redis/enqueue-calls.ts";
import { createInspector } from "./redis/inspector.ts";
import { keys } from "./redis/keys.ts";
import type { Link } from "./redis/link.ts";
import { createLink } from "./redis/link.ts";
import { leaseHolder } from "./redis/liveness.ts";
import { createReceiver } from "./redis/receiver.ts";
import { isPassing } from "./redis/redis-error.ts";
import { createSchedules } from "./redis/schedules.ts";
import { createTending } from "./redis/tending.ts";
import { createTimes } from "./redis/time.ts";
import { createWatch } from "./redis/watch.ts";

/**
 * Redis 6.2 or newer, in the format of asynq, a Go library (its 0.26): its clients enqueue what is consumed here, its
 * servers consume what is enqueued here, and its command line and web interface show and control both. What it does not
 * know (order per key, fencing, crashes, exact times) is in keys and fields that it ignores: redis/keys.ts.
 *
 * Addresses: redis/address.ts. Durable as the server is set: with `appendonly yes` and `appendfsync everysec` a crash of
 * the machine loses a second, with `always` nothing. In a Cluster each queue is in one slot; what concerns two queues
 * (a chain's next step elsewhere) is then two steps, in the order in which nothing is lost.
 *
 * Not as asynq does: a crash, or a lease that ran out, spends no attempt, unless an asynq server consumes the same
 * queue and its recoverer is first; leases end when they end, not thirty seconds later; retry counters and statistics
 * do not start anew at 2^63; a queue is no more than asynq:queues says, so one that was removed by asynq's tools comes
 * back with its next task, or within five seconds where it is consumed.
 */
export const openRedis: OpenDriver = (options: DriverOptions): Driver => {
  const { clock, random, log, owner } = options;
  const link = createLink(options, readAddress(options.url, options.name));
  const times = createTimes(clock);
  const watch = createWatch(link, clock);
  const tending = createTending({ link, clock, times, log, watch });
  const onDelayed = (queue: string, at: number) => tending.dueAt(queue, at);
  const enqueuing = createEnqueuing({ link, clock, times, owner, onDelayed });
  const receivers = new Set<Receiver>();
  const cancelled = new Set<(id: string) => void>();
  const holder = leaseHolder(owner);
  let count = 0;
  let listening: Promise<void> | undefined;

  return {
    connect: () => link.connect(),
    enqueue: enqueuing.enqueue,
    subscribe(subscription) {
      const { onCancel } = subscription;
      cancelled.add(onCancel);
      listening ??= listen(link, (id) => {
        for (const tell of cancelled) tell(id);
      }).catch((error: unknown) =>
        log.warn("Nobody can cancel tasks here: Redis takes no subscription.", { error }),
      );
      const shared = { link, clock, random, times, watch, tending, owner, holder };
      const receiver = createReceiver({ ...shared, number: ++count, prepared: listening }, subscription);
      const ours: Receiver = {
        ...receiver,
        async close() {
          cancelled.delete(onCancel);
          receivers.delete(ours);
          await receiver.close();
        },
      };
      receivers.add(ours);
      return ours;
    },
    async recover(owners) {
      await link.connect();
      await tending.recover(owners);
    },
    inspector: createInspector(link, times),
    schedules: createSchedules(link, times, owner),
    async close() {
      await Promise.all([...receivers].map((receiver) => receiver.close()));
      await enqueuing.settled();
      tending.close();
      watch.close();
      await link.close();
    },
  };
};

/**
 * asynq (subscriber.go): the ids of tasks that shall stop are published to whoever works. Resolves when they are heard;
 * after a loss of the connection they are heard again by itself.
 */
async function listen(link: Link, onCancel: (id: string) => void): Promise<void> {
  const heard = Promise.withResolvers<void>();
  let isSubscribed = false;
  const client = await link.side("cancel", {
    onReady: (ready) => {
      if (isSubscribed) return;
      isSubscribed = true;
      ready.subscribe(keys.cancel).then(
        () => heard.resolve(),
        (error: unknown) => {
          isSubscribed = false;
          if (!isPassing(error)) heard.reject(error);
        },
      );
    },
  });
  client.on("message", (_channel: string, id: string) => onCancel(id));
  await heard.promise;
}
