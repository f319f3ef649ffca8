import type { OpenDriver, Receiver } from "../driver.ts";
import { enqueueOne } from "./memory/enqueue.ts";
import { createInspector } from "./memory/inspector.ts";
import { createReceiver } from "./memory/receiver.ts";
import { createSchedules } from "./memory/schedules.ts";
import { changed, storeOf } from "./memory/store.ts";

/**
 * `memory:` keeps everything in the process, and loses it with the process. Drivers of the same name share one store,
 * also one after the other. It is the reference: the other drivers do the same, durably.
 */
export const openMemory: OpenDriver = ({ name, clock, random, owner, onConnection }) => {
  const store = storeOf(name);
  const receivers = new Set<Receiver>();
  return {
    async connect() {
      onConnection({ tag: "up" });
    },
    async enqueue(tasks) {
      const results = tasks.map((task) => enqueueOne(store, task, clock.wall()));
      changed(store);
      return results;
    },
    subscribe(subscription) {
      const onClosed = (receiver: Receiver) => receivers.delete(receiver);
      const receiver = createReceiver(subscription, { store, clock, random, owner, onClosed });
      receivers.add(receiver);
      return receiver;
    },
    // Whoever uses it lives in this thread.
    async recover() {},
    inspector: createInspector(store, () => clock.wall()),
    schedules: createSchedules(store),
    async close() {
      await Promise.all([...receivers].map((receiver) => receiver.close()));
    },
  };
};
