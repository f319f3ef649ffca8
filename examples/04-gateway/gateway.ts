import { Hono } from "hono";
import type { Context } from "supervisor";

/** A function that makes the service, because it needs the context: `ctx.service()` is a call within the process. */
export default function gateway(ctx: Context): Hono {
  const customers = ctx.service("customers");
  const orders = ctx.service("orders");
  const app = new Hono();

  // Passed on as it is, answer and all.
  app.get("/customers/:id", (c) => customers.fetch(`/${c.req.param("id")}`));

  // Put together from both.
  app.get("/orders/:id", async (c) => {
    const found = await orders.fetch(`/${c.req.param("id")}`);
    if (!found.ok) return found;
    const order = await found.json();
    const customer = await customers.fetch(`/${order.customer}`);
    return c.json({ ...order, customer: await customer.json() });
  });

  return app;
}
