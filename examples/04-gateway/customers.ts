import { Hono } from "hono";

const names: Record<string, string> = { "7": "Ada", "8": "Grace" };

// A Hono app is a service: it has a fetch.
const customers = new Hono();

customers.get("/:id", (c) => {
  const id = c.req.param("id");
  const name = names[id];
  return name ? c.json({ id, name }) : c.notFound();
});

export default customers;
