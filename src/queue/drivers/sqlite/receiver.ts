import type { Clock } from "../../../core/clock.ts";
import type { Delivery, Receiver, Settlement, SettleResult, Subscription } from "../../driver.ts";
import { showable } from "../task-view.ts";
import type { SqliteDelivery } from "./claim.ts";
import { claimTasks } from "./claim.ts";
import { changes } from "./enqueue.ts";
import { commitSet, releaseSet, takeDueGroups } from "./groups.ts";
import { settleTask } from "./settle.ts";
import type { Store } from "./store.ts";

export interface ReceiverOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  /** The number of the owner in its table. */
  readonly owner: number;
  readonly onClosed: () => void;
}

/** A claim takes no more than this, so that it blocks nobody for long. */
const most = 1_000;

export function createReceiver(subscription: Subscription, options: ReceiverOptions): Receiver {
  const { store, random, owner, onClosed } = options;
  const { queues, strict, lease, groups } = subscription;
  const { commit, sql } = store;
  const unsettled = new Set<Delivery>();
  const closing = new AbortController();
  const unlisten = store.listen(subscription.onCancel);

  async function settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    if (settlements.length === 0) return [];
    const results = await commit.write((tx) => settlements.map((settlement) => settleTask(tx, settlement)));
    for (const { delivery } of settlements) unsettled.delete(delivery);
    return results;
  }

  return {
    receive(max, signal) {
      return new Promise((resolve) => {
        if (signal.aborted || closing.signal.aborted) return resolve([]);
        const end = (taken: readonly Delivery[]) => {
          leave();
          signal.removeEventListener("abort", stop);
          closing.signal.removeEventListener("abort", stop);
          for (const delivery of taken) unsettled.add(delivery);
          resolve(taken);
        };
        const stop = () => end([]);
        const claim = { queues, strict, max: Math.min(max, most), lease, owner, random, token: store.token };
        const leave = store.wait({ queues, take: (tx) => claimTasks(tx, claim), give: end });
        signal.addEventListener("abort", stop, { once: true });
        closing.signal.addEventListener("abort", stop, { once: true });
      });
    },
    settle,
    async extend(deliveries) {
      if (deliveries.length === 0) return [];
      const lost = await commit.write((tx) =>
        deliveries.filter((delivery) => {
          const { seq, token } = delivery as SqliteDelivery;
          return changes(sql.extend.run(tx.now + lease, seq, token)) === 0;
        }),
      );
      for (const delivery of lost) unsettled.delete(delivery);
      return lost;
    },
    async begin(deliveries) {
      await commit.write(() => {
        for (const { seq, token } of deliveries as readonly SqliteDelivery[]) sql.begin.run(seq, token);
      });
    },
    async progress(delivery, text) {
      const { seq, token } = delivery as SqliteDelivery;
      // Best effort: whoever waits for the file learns of its trouble from what matters more.
      await commit.write(() => void sql.progress.run(showable(text), seq, token)).catch(() => {});
    },
    blockedKeys() {
      return commit.write((tx) => {
        const blocked = queues.flatMap(({ queue }) =>
          sql.blocking
            .all(tx.queue(queue))
            .map(({ id, blocks }): [string, string] => [`${queue}\0${blocks}`, String(id)]),
        );
        return new Map(blocked);
      });
    },
    async dueGroups() {
      return groups ? commit.write((tx) => takeDueGroups(tx, store.ask, queues, groups)) : [];
    },
    commitGroup: (set, task) => commit.write((tx) => commitSet(tx, store.ask, set, task)),
    releaseGroup: (set) => commit.write(() => releaseSet(store.ask, set)),
    async close() {
      closing.abort();
      unlisten();
      const left = [...unsettled];
      unsettled.clear();
      // When the file cannot be written their leases run out.
      await settle(left.map((delivery) => ({ tag: "release", delivery }))).catch(() => {});
      onClosed();
    },
  };
}
