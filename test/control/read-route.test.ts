import { expect, test } from "bun:test";
import type { Entrance } from "../../src/control/guard.ts";
import { answerRead } from "../../src/control/read-route.ts";

const route = { path: "/metrics", type: "text/plain; version=0.0.4", body: async () => "up 1\n" };
const admin = (more: Partial<Entrance & { tag: "admin" }> = {}): Entrance => ({
  tag: "admin",
  address: { tag: "tcp", host: "127.0.0.1", port: 6060 },
  readOnly: false,
  ...more,
});
const ask = (entrance: Entrance, init: RequestInit = {}, path = "/metrics") =>
  answerRead(
    new Request(`http://127.0.0.1:6060${path}`, {
      ...init,
      headers: { host: "127.0.0.1:6060", ...(init.headers as Record<string, string>) },
    }),
    entrance,
    route,
  );

test("answerRead() answers GET and HEAD of its path with its type, and no other path", async () => {
  const get = await ask(admin());
  expect(get?.headers.get("content-type")).toBe(route.type);
  expect(get?.headers.get("cache-control")).toBe("no-store");
  expect(await get?.text()).toBe("up 1\n");
  expect(await (await ask(admin({ readOnly: true }), { method: "HEAD" }))?.text()).toBe("");
  expect(await (await ask({ tag: "socket" }))?.text()).toBe("up 1\n");
  for (const path of ["/metrics/", "/metric", "/", "/api/v1/metrics"]) {
    expect(ask(admin(), {}, path)).toBeUndefined();
  }
});

test.each([
  ["another method", admin(), { method: "POST" }, 405],
  ["another host", admin(), { headers: { host: "evil.example" } }, 403],
  ["a page of another origin", admin(), { headers: { origin: "http://evil.example" } }, 403],
  ["no token", admin({ token: "s3cret-token" }), {}, 401],
  ["a wrong token", admin({ token: "s3cret-token" }), { headers: { authorization: "Bearer x" } }, 401],
  [
    "the right token",
    admin({ token: "s3cret-token" }),
    { headers: { authorization: "Bearer s3cret-token" } },
    200,
  ],
  [
    "an address of the network without a token",
    admin({ address: { tag: "tcp", host: "0.0.0.0", port: 6060 } }),
    {},
    403,
  ],
] as const)("answerRead() lets in whom the API lets read: %s", async (_, entrance, init, status) => {
  const answer = await ask(entrance, init as RequestInit);
  expect(answer?.status).toBe(status);
  if (status === 200) return;
  const text = await answer?.text();
  expect(text).not.toContain("up 1");
  expect(text).toMatch(/^\S.*\. \S.*\n$/);
});
