import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "supervisor";

/** Stands in for a connection pool: rows by table. */
export const tables = new Map<string, { id: number; title: string }[]>();

export default {
  async start(ctx) {
    await sleep(150); // a handshake, say
    ctx.log.info("connected");
  },
  stop(ctx) {
    ctx.log.info("disconnected");
  },
} satisfies Service;
