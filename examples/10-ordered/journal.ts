import { setTimeout as sleep } from "node:timers/promises";
import type { Context, Service } from "supervisor";

interface OrderEvent {
  readonly order_id: string;
  readonly step: number;
}

/** `POST /?orders=10&steps=5` lets so many orders take so many steps; `GET /` shows the steps of each. */
export default function journal(ctx: Context): Service {
  const steps = new Map<string, number[]>();
  return {
    async fetch(request) {
      if (request.method !== "POST") return Response.json(Object.fromEntries(steps));
      const { searchParams } = new URL(request.url);
      const [orders, last] = [
        Number(searchParams.get("orders") ?? 10),
        Number(searchParams.get("steps") ?? 5),
      ];
      const events = Array.from({ length: orders * last }, (_, index) => ({
        type: "order:event",
        payload: { order_id: `o${index % orders}`, step: Math.floor(index / orders) + 1 },
        queue: "order.events",
      }));
      await ctx.queue().enqueueAll(events);
      return Response.json({ enqueued: events.length }, { status: 202 });
    },

    async consume(message) {
      const { order_id, step } = message.data as OrderEvent;
      await sleep(Math.random() * 20);
      // One in ten fails at first: the later steps of that order wait, those of others do not.
      if (message.attempt === 1 && Math.random() < 0.1) throw new Error("the warehouse does not answer");
      steps.set(order_id, [...(steps.get(order_id) ?? []), step]);
    },
  };
}
