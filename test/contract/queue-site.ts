import type { Delivery, Driver, NewTask, Receiver, Subscription } from "../../src/queue/driver.ts";
import type { Ability, DriverSite } from "./queue-driver.ts";

/** One promise of the driver contract. */
export interface DriverCase {
  readonly name: string;
  readonly needs?: Ability;
  run(site: DriverSite): Promise<void>;
}

let count = 0;

/** A task for queue `q`, with an id of its own. */
export function task(over: Partial<NewTask> = {}): NewTask {
  return {
    id: `id-${++count}`,
    queue: "q",
    type: "test:one",
    payload: "{}",
    maxRetry: 25,
    timeout: 0,
    deadline: 0,
    retention: 0,
    ...over,
  };
}

/** As many tasks, by the ids `a1`, `a2`, … */
export function tasks(prefix: string, many: number, over: Partial<NewTask> = {}): NewTask[] {
  return Array.from({ length: many }, (_, index) => task({ id: `${prefix}${index + 1}`, ...over }));
}

/** Consumes queue `q`, with a lease of twenty units. */
export function consume(site: DriverSite, driver: Driver, over: Partial<Subscription> = {}): Receiver {
  return driver.subscribe({
    consumer: "test",
    queues: [{ queue: "q", weight: 1 }],
    strict: false,
    lease: 20 * site.unit,
    concurrency: 10,
    onCancel: () => {},
    ...over,
  });
}

/** What can be received now, without waiting for time to pass. */
export async function take(site: DriverSite, receiver: Receiver, max = 100): Promise<readonly Delivery[]> {
  const stop = new AbortController();
  const taken = receiver.receive(max, stop.signal);
  await Promise.race([taken, site.quiet()]);
  stop.abort();
  return taken;
}

/** Waits for one delivery. */
export async function takeOne(receiver: Receiver): Promise<Delivery> {
  const [delivery] = await receiver.receive(1, new AbortController().signal);
  if (!delivery) throw new Error("receive() resolved with nothing although nobody aborted it");
  return delivery;
}

export function ids(deliveries: readonly { readonly id: string }[]): string[] {
  return deliveries.map(({ id }) => id);
}

/** Settles all as done. */
export async function ackAll(receiver: Receiver, deliveries: readonly Delivery[]): Promise<void> {
  await receiver.settle(deliveries.map((delivery) => ({ tag: "ack", delivery })));
}

export function failed(
  delivery: Delivery,
  at: number,
  over: { counts?: boolean; blocks?: string; error?: string } = {},
) {
  return { tag: "retry", delivery, at, error: "it broke", counts: true, ...over } as const;
}
