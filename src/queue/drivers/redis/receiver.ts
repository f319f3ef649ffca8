import { SupervisorError } from "../../../core/errors.ts";
import type { Delivery, Receiver, Settlement, SettleResult, Subscription } from "../../driver.ts";
import { createClaims } from "./claims.ts";
import { createGroupSets } from "./group-sets.ts";
import { keys } from "./keys.ts";
import type { Argument } from "./link.ts";
import { beginScript, extendScript, progressScript } from "./lua/settle.ts";
import { blockedScript } from "./lua/tend.ts";
import type { ReceiverParts } from "./receiver-parts.ts";
import { script } from "./script.ts";
import { createServerRecord } from "./server-record.ts";
import type { Settling } from "./settlements.ts";
import { settleAll } from "./settlements.ts";
import type { RedisDelivery } from "./task-form.ts";

export function createReceiver(parts: ReceiverParts, subscription: Subscription): Receiver {
  const { link, times, watch, tending, owner, number } = parts;
  const queues = subscription.queues.map(({ queue }) => queue);
  const held = new Set<RedisDelivery>();
  const closed = new AbortController();
  const record = createServerRecord({ link, times, owner, number, subscription, held });
  const groups = createGroupSets(link, times, `${owner}-${number}`);
  const claimSome = createClaims(parts, subscription);
  const prepared = Promise.all([tending.add(queues), parts.prepared]);
  const stopBeats = tending.onBeat(() => void record.beat());
  const settling: Settling = {
    link,
    times,
    onDelayed: (queue, at) => tending.dueAt(queue, at),
    newCall: () => `${owner}.${number}s${++calls}`,
  };
  let calls = 0;
  let receiving: Promise<unknown> = Promise.resolve();

  async function receive(max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    const stop = AbortSignal.any([signal, closed.signal]);
    await Promise.race([prepared, aborted(stop)]);
    while (!stop.aborted) {
      await link.untilUp(stop);
      if (stop.aborted) break;
      const mark = watch.mark(queues);
      const { deliveries, paused, nextDue } = await claimSome(max);
      for (const delivery of deliveries) held.add(delivery);
      if (deliveries.length > 0) return deliveries;
      for (const [queue, at] of nextDue) tending.dueAt(queue, at);
      if (link.isUp()) await watch.changed(queues, paused, mark, stop);
    }
    return [];
  }

  async function settle(settlements: readonly Settlement[]): Promise<readonly SettleResult[]> {
    if (settlements.length === 0) return [];
    const results = await settleAll(settling, settlements);
    for (const { delivery } of settlements) held.delete(delivery as RedisDelivery);
    return results;
  }

  return {
    receive(max, signal) {
      if (closed.signal.aborted || signal.aborted || max < 1) return Promise.resolve([]);
      const received = receive(Math.min(max, mostAtOnce), signal);
      receiving = received.catch(() => {});
      return received;
    },
    settle,
    async extend(deliveries) {
      const lost: RedisDelivery[] = [];
      const end = times.leaseEnd(subscription.lease);
      for (const [queue, ours] of Map.groupBy(deliveries as readonly RedisDelivery[], (one) => one.queue)) {
        for (let from = 0; from < ours.length; from += mostAtOnce) {
          const some = ours.slice(from, from + mostAtOnce);
          const args: Argument[] = [end, ...some.flatMap(({ id, claim, leaseEnd }) => [id, claim, leaseEnd])];
          for (const delivery of some) delivery.leaseEnd = end;
          const answer = String(await link.run(extendCall, [keys.queue(queue)], args));
          lost.push(...some.filter((_, index) => answer[index] !== "s"));
        }
      }
      for (const delivery of lost) held.delete(delivery);
      return lost;
    },
    async begin(deliveries) {
      for (const [queue, ours] of Map.groupBy(deliveries as readonly RedisDelivery[], (one) => one.queue)) {
        const args = ours.flatMap(({ id, claim }) => [id, claim]);
        await link.run(beginCall, [keys.queue(queue)], args);
      }
    },
    async progress(delivery, text) {
      const { queue, id, claim } = delivery as RedisDelivery;
      // It is for people who look; the next one shows more.
      await link.run(progressCall, [keys.queue(queue)], [id, claim, text]).catch(() => {});
    },
    async blockedKeys() {
      await link.untilUp(closed.signal);
      const blocked = new Map<string, string>();
      for (const queue of queues) {
        const found = (await link.run(blockedCall, [keys.queue(queue)], [])) as Buffer[];
        for (let index = 0; index < found.length; index += 2) {
          blocked.set(`${queue}\0${found[index]}`, String(found[index + 1]));
        }
      }
      return blocked;
    },
    dueGroups: () => groups.due(queues, subscription.groups),
    commitGroup: groups.commit,
    releaseGroup: groups.release,
    async close() {
      if (closed.signal.aborted) return;
      closed.abort();
      stopBeats();
      tending.remove(queues);
      await receiving;
      const left = [...held].map((delivery) => ({ tag: "release", delivery }) as const);
      try {
        await settle(left);
      } catch (error) {
        // Their leases end by themselves.
        if (!(error instanceof SupervisorError)) throw error;
      }
      if (link.isUp()) await record.clear();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

const extendCall = script(extendScript);
const beginCall = script(beginScript);
const progressCall = script(progressScript);
const blockedCall = script(blockedScript);
const mostAtOnce = 1_000;
