import type { Receiver } from "../../driver.ts";

/** A receiver of a file that is not open yet: what is asked of it waits until it is. */
export function lateReceiver(opening: Promise<Receiver>): Receiver {
  let isClosed = false;
  // That it cannot be opened is told by connect(); here it means that nothing is ever received.
  const opened = opening.catch(() => new Promise<never>(() => {}));
  return {
    async receive(max, signal) {
      const aborted = new Promise<undefined>((resolve) => {
        if (signal.aborted) resolve(undefined);
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
      });
      const receiver = await Promise.race([opened, aborted]);
      return receiver && !isClosed ? receiver.receive(max, signal) : [];
    },
    settle: async (settlements) => (await opening).settle(settlements),
    extend: async (deliveries) => (await opening).extend(deliveries),
    begin: async (deliveries) => (await opening).begin(deliveries),
    progress: async (delivery, text) => (await opening).progress(delivery, text),
    blockedKeys: async () => (await opening).blockedKeys(),
    dueGroups: async () => (await opening).dueGroups(),
    commitGroup: async (set, task) => (await opening).commitGroup(set, task),
    releaseGroup: async (set) => (await opening).releaseGroup(set),
    async close() {
      isClosed = true;
      // One that is opened later gets the close then.
      void opened.then((receiver) => receiver.close());
    },
  };
}
