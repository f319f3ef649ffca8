import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { Context, RequestEnv } from "supervisor";
// Imported, it is inside when `supervisor build` makes one executable of this.
import page from "./page.html" with { type: "text" };

export default function live(ctx: Context): Hono<{ Bindings: RequestEnv }> {
  const app = new Hono<{ Bindings: RequestEnv }>();

  app.get("/", (c) => c.html(String(page)));

  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      while (!ctx.signal.aborted && !stream.aborted) {
        await stream.writeSSE({ event: "time", data: new Date().toISOString() });
        // Wakes up when the stop begins: there is a moment for last words, not for another nap.
        await sleep(250, undefined, { signal: ctx.signal }).catch(() => {});
      }
      await stream.writeSSE({ event: "bye", data: "the server stops" });
    }),
  );

  // Echoes. The supervisor closes it with code 1001 when the stop begins.
  app.get("/echo", (c) => {
    if (c.req.header("upgrade") !== "websocket") return c.text("Open me as a WebSocket.\n", 426);
    const { socket, response } = c.env.upgradeWebSocket(c.req.raw);
    socket.onmessage = ({ data }) => socket.send(`you said: ${data}`);
    return response;
  });

  return app;
}
