import { Hono } from "hono";
import type { Context } from "supervisor";
import { orders } from "./store.ts";

export default function api(ctx: Context<{ pay_within: string }>) {
  const queue = ctx.queue();
  const app = new Hono();

  app.post("/orders", async (c) => {
    const id = crypto.randomUUID();
    orders.set(id, { id, state: "open" });
    // The answer goes out when the broker has it for good: from then on it will be done.
    await queue.enqueue("order:close", { order: id }, { queue: "order.close", delay: ctx.config.pay_within });
    return c.json({ id }, 201);
  });

  // What a payment provider would call. It may call again for a day: for as long as the task is kept, its id is refused.
  app.post("/orders/:id/payments/:payment", async (c) => {
    const { id: order, payment } = c.req.param();
    const [outcome] = await queue.enqueueAll([
      {
        type: "payment:status",
        payload: { order, status: "paid" },
        queue: "payment.status",
        id: payment,
        retention: "24h",
      },
    ]);
    return c.json({ accepted: outcome?.ok ?? false }, 202);
  });

  app.get("/orders/:id", (c) => {
    const order = orders.get(c.req.param("id"));
    return order ? c.json(order) : c.notFound();
  });

  return app;
}
