import type { Service } from "supervisor";
import { orders } from "./store.ts";

interface PaymentStatus {
  readonly order: string;
  readonly status: "paid" | "refused";
}

export default {
  tasks: {
    "payment:status"(message, ctx) {
      const { order: id, status } = message.data as PaymentStatus;
      const order = orders.get(id);
      if (!order) return message.dead(`no such order: ${id}`); // trying again would not help
      if (status === "paid" && order.state === "open") order.state = "paid";
      ctx.log.info(`order is ${order.state}`, { order: id });
    },
  },
} satisfies Service;
