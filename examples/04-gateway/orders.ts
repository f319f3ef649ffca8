import { Hono } from "hono";

const all: Record<string, { item: string; customer: string }> = {
  "1": { item: "a book about engines", customer: "7" },
  "2": { item: "a compiler", customer: "8" },
};

const orders = new Hono();

orders.get("/:id", (c) => {
  const id = c.req.param("id");
  const order = all[id];
  return order ? c.json({ id, ...order }) : c.notFound();
});

export default orders;
