import { nearest } from "../core/nearest.ts";
import type { Queue } from "../service/message.ts";

/** `ctx.queue(broker)`. `names` is asked each time: a reload may change them; the first one is the default. */
export function createQueueFinder(
  names: () => readonly string[],
  queue: (broker: string) => Queue,
): (broker?: string) => Queue {
  return (broker) => {
    const known = names();
    const name = broker ?? known[0];
    if (name === undefined || !known.includes(name)) throw new RangeError(unknown(name ?? "", known));
    return queue(name);
  };
}

function unknown(name: string, names: readonly string[]): string {
  if (names.length === 0) return `ctx.queue(${name}): services.yaml has no brokers:`;
  const near = nearest(name, names);
  const help = near ? `did you mean "${near}"?` : `known brokers: ${names.join(", ")}`;
  return `ctx.queue("${name}"): no broker has that name; ${help}`;
}
