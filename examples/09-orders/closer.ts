import type { Service } from "supervisor";
import { orders } from "./store.ts";

export default {
  tasks: {
    "order:close"(message, ctx) {
      const order = orders.get((message.data as { order: string }).order);
      if (order?.state !== "open") return;
      order.state = "closed";
      ctx.log.info("closed, because nobody paid", { order: order.id });
    },
  },
} satisfies Service;
