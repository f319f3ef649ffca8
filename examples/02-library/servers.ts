import { createServer } from "node:http";
import type { Context } from "supervisor";

/** A function that blocks until it is done, for `withStart`. */
export function morning(ctx: Context): Promise<void> {
  return serve(ctx, Number(ctx.env.MORNING_PORT ?? 8080), "Good morning!\n");
}

/** An object whose `start` blocks, for `withStarter`. */
export class Evening {
  start(ctx: Context): Promise<void> {
    return serve(ctx, Number(ctx.env.EVENING_PORT ?? 8081), "Good evening!\n");
  }
}

/** Resolves when the server has closed, which it does once `ctx.signal` aborts and no request is left. */
function serve(ctx: Context, port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((_, response) => {
      response.shouldKeepAlive = false; // an idle connection would hold close() up
      response.end(text);
    });
    server.on("error", reject).on("close", resolve);
    server.listen(port, "127.0.0.1");
    ctx.signal.addEventListener("abort", () => server.close());
  });
}
