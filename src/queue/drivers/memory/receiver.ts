import type { Clock } from "../../../core/clock.ts";
import type { Delivery, Receiver, Subscription } from "../../driver.ts";
import { claim, nextDue, recover } from "./claim.ts";
import { commitSet, releaseSet, takeDueGroups } from "./groups.ts";
import { leased, settleOne } from "./settle.ts";
import type { Consumer, Store } from "./store.ts";
import { changed, queueOf } from "./store.ts";

export interface ReceiverOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly owner: string;
  readonly onClosed: (receiver: Receiver) => void;
}

// Timers that are longer than 24 days fire at once.
const longestWait = 3_600_000;

export function createReceiver(subscription: Subscription, options: ReceiverOptions): Receiver {
  const { store, clock, owner, random } = options;
  const { queues, strict, lease } = subscription;
  const consumer: Consumer = {
    owner,
    onCancel: subscription.onCancel,
    concurrency: subscription.concurrency,
    startedAt: clock.wall(),
    queues: Object.fromEntries(queues.map(({ queue, weight }) => [queue, weight])),
  };
  store.consumers.add(consumer);
  const closing = new AbortController();
  let unsettled = new Set<Delivery>();

  const take = (max: number): Delivery[] => {
    recover(store, clock.wall());
    const taken = claim(store, { queues, strict, max, lease, owner, random }, clock.wall());
    for (const delivery of taken) unsettled.add(delivery);
    return taken;
  };
  const receiver: Receiver = {
    receive(max, signal) {
      return new Promise((resolve) => {
        const signals = AbortSignal.any([signal, closing.signal]);
        if (signals.aborted) return resolve([]);
        let cancelTimer = () => {};
        const end = (taken: readonly Delivery[]) => {
          cancelTimer();
          store.watchers.delete(look);
          signals.removeEventListener("abort", stop);
          resolve(taken);
        };
        const stop = () => end([]);
        const look = () => {
          const taken = take(max);
          if (taken.length > 0) return end(taken);
          cancelTimer();
          const next = nextDue(store, queues);
          if (next < Infinity)
            cancelTimer = clock.after(Math.min(Math.max(1, next - clock.wall()), longestWait), look);
        };
        signals.addEventListener("abort", stop, { once: true });
        store.watchers.add(look);
        look();
      });
    },
    async settle(settlements) {
      const results = settlements.map((settlement) => settleOne(store, settlement, clock.wall()));
      for (const { delivery } of settlements) unsettled.delete(delivery);
      changed(store);
      return results;
    },
    async extend(deliveries) {
      recover(store, clock.wall());
      return deliveries.filter((delivery) => {
        const task = leased(store, delivery);
        if (task?.lease) task.lease.until = clock.wall() + lease;
        else unsettled.delete(delivery);
        return task === undefined;
      });
    },
    async begin(deliveries) {
      for (const delivery of deliveries) {
        const task = leased(store, delivery);
        if (task?.lease) task.lease.begun = true;
      }
    },
    async progress(delivery, text) {
      const task = leased(store, delivery);
      if (task) task.progress = text;
    },
    async blockedKeys() {
      const blocked = queues.flatMap(({ queue }) =>
        [...queueOf(store, queue).blocked].map(([key, by]): [string, string] => [
          `${queue}\0${key}`,
          [...by][0] ?? "",
        ]),
      );
      return new Map(blocked);
    },
    async dueGroups() {
      return subscription.groups ? takeDueGroups(store, queues, subscription.groups, clock.wall()) : [];
    },
    async commitGroup(set, task) {
      const result = commitSet(store, set, task, clock.wall());
      changed(store);
      return result;
    },
    async releaseGroup(set) {
      releaseSet(store, set);
    },
    async close() {
      closing.abort();
      store.consumers.delete(consumer);
      const left = [...unsettled];
      unsettled = new Set();
      await receiver.settle(left.map((delivery) => ({ tag: "release", delivery })));
      options.onClosed(receiver);
    },
  };
  return receiver;
}
