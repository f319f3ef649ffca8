import type { Service } from "supervisor";
import { orders } from "./store.ts";

export default {
  scheduled(tick, ctx) {
    const count = { open: 0, paid: 0, closed: 0 };
    for (const { state } of orders.values()) count[state] += 1;
    ctx.log.info("orders", { ...count, at: tick.at });
  },
} satisfies Service;
