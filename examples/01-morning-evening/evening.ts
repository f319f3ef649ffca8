import type { Service } from "supervisor";

// The type is for the editor only: it knows the hooks, and nothing has to be installed for it.
export default {
  start: (ctx) => ctx.log.info("the lamps are lit"),
  fetch: () => new Response("Good evening!\n"),
  stop: (ctx) => ctx.log.info("the lamps are out"),
} satisfies Service;
