import type { Service } from "supervisor";
import { tables } from "./database.ts";

export default {
  start(ctx) {
    ctx.log.info(`tables: ${[...tables.keys()].join(", ")}`);
  },
  fetch: () => Response.json(tables.get("books")),
} satisfies Service;
