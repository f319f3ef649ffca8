import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { Context, RequestEnv } from "supervisor";

const page = readFileSync(new URL("./page.html", import.meta.url), "utf8");

export default function live(ctx: Context): Hono<{ Bindings: RequestEnv }> {
  const app = new Hono<{ Bindings: RequestEnv }>();

  app.get("/", (c) => c.html(page));

  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      // The signal aborts when the stop begins: a stream that looks at it can say goodbye.
      while (!ctx.signal.aborted && !stream.aborted) {
        await stream.writeSSE({ event: "time", data: new Date().toISOString() });
        await stream.sleep(250);
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
