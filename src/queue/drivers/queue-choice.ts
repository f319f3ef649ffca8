import type { QueueWeight } from "../driver.ts";

/**
 * The order in which queues are asked once: with `strict` the highest weight first, else each order with a chance that
 * makes the first queue `weight` times as likely (Efraimidis and Spirakis: sort by u^(1/weight)).
 */
export function askingOrder(queues: readonly QueueWeight[], strict: boolean, random: () => number): string[] {
  const ranked = queues.map(({ queue, weight }) => ({
    queue,
    rank: strict ? weight : random() ** (1 / weight),
  }));
  return ranked.sort((a, b) => b.rank - a.rank).map(({ queue }) => queue);
}

/**
 * How many of `max` tasks to take from each queue, in the order in which to ask: each of the `max` is drawn by weighted
 * chance, so that one large claim is as fair as many small ones. What a queue cannot give is taken from those after it.
 */
export function shares(
  queues: readonly QueueWeight[],
  strict: boolean,
  max: number,
  random: () => number,
): { readonly queue: string; readonly share: number }[] {
  const order = askingOrder(queues, strict, random);
  if (strict || queues.length === 1)
    return order.map((queue, index) => ({ queue, share: index === 0 ? max : 0 }));
  const drawn = new Map(order.map((queue) => [queue, 0]));
  const total = queues.reduce((sum, { weight }) => sum + weight, 0);
  // The first of the order was drawn by chance already.
  const first = order[0] as string;
  drawn.set(first, 1);
  for (let slot = 1; slot < max; slot++) {
    const queue = drawOne(queues, random() * total);
    drawn.set(queue, (drawn.get(queue) ?? 0) + 1);
  }
  return order.map((queue) => ({ queue, share: drawn.get(queue) ?? 0 }));
}

function drawOne(queues: readonly QueueWeight[], point: number): string {
  let left = point;
  for (const { queue, weight } of queues) {
    left -= weight;
    if (left < 0) return queue;
  }
  return (queues.at(-1) as QueueWeight).queue;
}
