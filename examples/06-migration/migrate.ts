import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "supervisor";
import { tables } from "./database.ts";

/** Runs to its end: the service is then `completed`, which is not a failure and not restarted. */
export default {
  async run(ctx) {
    await sleep(150, undefined, { signal: ctx.signal });
    tables.set("books", [
      { id: 1, title: "The Mythical Man-Month" },
      { id: 2, title: "Programming Pearls" },
    ]);
    ctx.log.info("created table books");
  },
} satisfies Service;
