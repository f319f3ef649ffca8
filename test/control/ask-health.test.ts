import { expect, test } from "bun:test";
import { askHealth } from "../../src/control/ask-health.ts";

test("askHealth() tells the status of an answer that has no words", async () => {
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(null, { status: 502 }),
  });
  expect(await askHealth({ url: server.url.href }, "/readyz", 5_000)).toEqual({
    healthy: false,
    text: "the answer is 502, and nothing else",
  });
});
