import type { Service } from "supervisor";

/** Cannot start in its first `failures` lives: something that it needs is down for a while. */
export default {
  start(ctx) {
    if (ctx.generation <= ctx.config.failures) throw new Error("the other side does not answer");
    ctx.log.info(`connected in life ${ctx.generation}`);
  },
  fetch: () => new Response("up\n"),
} satisfies Service<{ failures: number }>;
