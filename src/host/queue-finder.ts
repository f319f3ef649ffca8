import { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { Queue } from "../service/message.ts";

/**
 * `ctx.queue(broker)`. `names` is asked each time: a reload may change them; the first one is the default. What it makes
 * throws a SupervisorError UNKNOWN_BROKER for a name that is none of them.
 */
export function createQueueFinder(
  names: () => readonly string[],
  queue: (broker: string) => Queue,
): (broker?: string) => Queue {
  return (broker) => {
    const known = names();
    const name = broker ?? known[0];
    if (name === undefined || !known.includes(name)) throw unknown(name, known);
    return queue(name);
  };
}

function unknown(name: string | undefined, names: readonly string[]): SupervisorError {
  const call = `ctx.queue(${name === undefined ? "" : JSON.stringify(name)})`;
  if (names.length === 0) {
    const hint = "Write them: brokers: { main: sqlite:./data/queue.db }.";
    return new SupervisorError("UNKNOWN_BROKER", `${call}: services.yaml has no brokers:`, hint);
  }
  const near = nearest(name ?? "", names);
  const help = near ? `did you mean "${near}"?` : `known brokers: ${names.join(", ")}`;
  const hint = "Name one of them, or add it to brokers: in services.yaml.";
  return new SupervisorError("UNKNOWN_BROKER", `${call}: no broker has that name; ${help}`, hint);
}
