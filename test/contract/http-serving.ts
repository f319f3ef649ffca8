import assert from "node:assert/strict";
import { beaconCells } from "../../src/core/beacon.ts";
import { messageOf } from "../../src/core/errors.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { scopes } from "../../src/service/scope.ts";
import { get, openWire, saysClose } from "../support/wire.ts";
import type { Case } from "./http-setup.ts";
import { eventStream, eventually, freeAddress, openSite, wait } from "./http-setup.ts";

export const servingCases: Case[] = [
  {
    name: "a door answers 503 with Retry-After until it is open, and again between two generations",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const url = site.urls.get("api") as string;
      const notReady = async () => {
        const response = await fetch(url);
        assert.equal(response.status, 503);
        assert.equal(response.headers.get("retry-after"), "1");
        assert.deepEqual(await response.json(), { error: "not ready", service: "api" });
      };
      await notReady();
      site.open("api", () => new Response("first"));
      assert.equal(await (await fetch(url)).text(), "first");
      await site.lease("api").drain({ final: false });
      await notReady();
      site.open("api", () => new Response("second"));
      assert.equal(await (await fetch(url)).text(), "second");
    },
  },
  {
    name: "several services share a port by hostname and path; one that is not ready hinders no other",
    async run(runtime) {
      const address = await freeAddress();
      await using site = await openSite(runtime, {
        users: { address, path: "/users" },
        admin: { address, path: "/users/admin" },
        shop: { address, hostname: "shop.example", path: "/" },
        late: { address, path: "/late" },
      });
      for (const name of ["users", "admin", "shop"]) {
        site.open(name, (request) => new Response(`${name} ${new URL(request.url).pathname}`));
      }
      const ask = async (path: string, host = "127.0.0.1") => {
        const wire = await openWire(address);
        wire.send(get(path, { host, connection: "close" }));
        const text = await wire.closed;
        return `${text.slice(9, 12)} ${text.slice(text.indexOf("\r\n\r\n") + 4)}`;
      };
      assert.equal(await ask("/users/7"), "200 users /users/7");
      assert.equal(await ask("/users/admin/x?y=1"), "200 admin /users/admin/x");
      assert.equal(await ask("/users/administrator"), "200 users /users/administrator");
      assert.equal(await ask("/users/7", "shop.example:80"), "200 shop /users/7");
      assert.equal(await ask("/late"), '503 {"error":"not ready","service":"late"}');
      assert.equal(await ask("/usersx"), '404 {"error":"not found"}');
    },
  },
  {
    name: "env tells the client's address and the request id, which the response repeats once it was read",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", (request, env) =>
        new URL(request.url).pathname === "/silent"
          ? new Response("x")
          : Response.json({ address: env.clientAddress, id: env.requestId, again: env.requestId }),
      );
      const url = site.urls.get("api") as string;
      assert.equal((await fetch(`${url}/silent`)).headers.get("x-request-id"), null);
      const own = await fetch(url, { headers: { "x-request-id": "abc-1" } });
      assert.deepEqual(await own.json(), { address: "127.0.0.1", id: "abc-1", again: "abc-1" });
      assert.equal(own.headers.get("x-request-id"), "abc-1");
      const made = await fetch(url);
      const { id, again } = (await made.json()) as { id: string; again: string };
      assert.match(id, /^[0-9a-f-]{36}$/);
      assert.equal(again, id);
      assert.equal(made.headers.get("x-request-id"), id);
    },
  },
  {
    name: "fetch runs in the scope of its service, with the beacon on its mark while it is on the stack",
    async run(runtime) {
      await using site = await openSite(runtime, { other: {}, api: {} });
      let seen: unknown;
      const target = site.open("api", async () => {
        const mark = site.beacon[beaconCells.current];
        await wait(1);
        seen = { mark, scope: scopes.getStore(), later: site.beacon[beaconCells.current] };
        return new Response("x");
      });
      await fetch(site.urls.get("api") as string);
      assert.deepEqual(seen, { mark: 2, scope: target.scope, later: 0 });
      assert.equal(site.beacon[beaconCells.last], 2);
    },
  },
  {
    name: "a handler that throws, rejects, or returns no Response or a used one is answered 500 without its message, and logged",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const used = await readResponse();
      site.open("api", (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/throw") throw new Error("secret detail");
        if (pathname === "/reject") return Promise.reject(new Error("secret detail"));
        if (pathname === "/nothing") return undefined as unknown as Response;
        if (pathname === "/used") return used;
        if (pathname === "/read") return readResponse();
        return new Response("fine");
      });
      const url = site.urls.get("api") as string;
      for (const path of ["/throw", "/reject", "/nothing", "/used", "/read"]) {
        const response = await fetch(url + path);
        const body = (await response.json()) as Record<string, unknown>;
        assert.equal(response.status, 500);
        assert.deepEqual(body, { error: "internal error", requestId: response.headers.get("x-request-id") });
        const entry = site.logged.pop();
        assert.equal(entry?.level, "error");
        assert.ok(entry.fields?.error instanceof Error);
        assert.equal(entry.fields.path, path);
        assert.equal(entry.fields.requestId, body.requestId);
      }
      assert.equal(await (await fetch(url)).text(), "fine");
      assert.deepEqual(site.lease("api").held(), { requests: 0, streams: 0, websockets: 0 });
    },
  },
  {
    name: "limits.body answers 413: at once by Content-Length, and while reading when the length is unknown",
    async run(runtime) {
      await using site = await openSite(runtime, { api: { limits: { body: 10 } } });
      let calls = 0;
      site.open("api", async (request) => {
        calls++;
        return new Response(`got ${(await request.text()).length}`);
      });
      const post = async (headers: string, body: string) => {
        const wire = await openWire({ port: site.port("api") });
        wire.send(`POST / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`);
        await wire.until("\r\n\r\n");
        await wait(20);
        wire.destroy();
        return `${wire.received.slice(9, 12)} ${wire.received.slice(wire.received.indexOf("\r\n\r\n") + 4)}`;
      };
      const chunked = "transfer-encoding: chunked";
      assert.match(await post("content-length: 10", "0123456789"), /^200 .*got 10/s);
      assert.match(await post(chunked, "a\r\n0123456789\r\n0\r\n\r\n"), /^200 .*got 10/s);
      assert.equal(calls, 2);
      assert.match(await post("content-length: 11", "0123456789x"), /^413 .*"body too large"/s);
      assert.equal(calls, 2);
      // No end of the body: the answer must not wait for it.
      assert.match(await post(chunked, "b\r\n0123456789x\r\n"), /^413 .*"body too large"/s);
      assert.equal(calls, 3);
      await eventually("nothing in flight", () => site.lease("api").held().requests === 0);
    },
  },
  {
    name: "a body of 20 MiB passes when limits.body allows it",
    async run(runtime) {
      const size = 20 * 1_048_576;
      await using site = await openSite(runtime, { api: { limits: { body: size } } });
      site.open("api", async (request) => new Response(String((await request.arrayBuffer()).byteLength)));
      const body = new Uint8Array(size);
      const response = await fetch(site.urls.get("api") as string, { method: "POST", body });
      assert.equal(await response.text(), String(size));
    },
  },
  {
    name: "limits.requestTimeout answers 503 and aborts request.signal; it spares handlers that are in time",
    async run(runtime) {
      await using site = await openSite(runtime, { api: { limits: { requestTimeout: 80 } } });
      let reason: unknown;
      site.open("api", async (request) => {
        if (new URL(request.url).pathname === "/quick") return wait(5).then(() => new Response("quick"));
        await new Promise<void>((resolve) => {
          request.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        reason = request.signal.reason;
        return new Response("too late");
      });
      const url = site.urls.get("api") as string;
      assert.equal(await (await fetch(`${url}/quick`)).text(), "quick");
      const response = await fetch(`${url}/slow`);
      assert.equal(response.status, 503);
      assert.equal(((await response.json()) as { error: string }).error, "timeout");
      await eventually("the handler sees the abort", () => (reason as Error)?.name === "TimeoutError");
      assert.deepEqual(site.lease("api").held(), { requests: 0, streams: 0, websockets: 0 });
      assert.equal(site.logged.at(-1)?.message, "request timed out");
    },
  },
  {
    name: "limits.idleTimeout does not cut a handler or an event stream that is silent for longer",
    async run(runtime) {
      await using site = await openSite(runtime, { api: { limits: { idleTimeout: 1_000 } } });
      site.open("api", async (request) => {
        if (new URL(request.url).pathname === "/slow") return wait(6_000).then(() => new Response("slow"));
        const text = new ReadableStream({
          async start(output) {
            await wait(6_000);
            output.enqueue(new TextEncoder().encode("data: late\n\n"));
            output.close();
          },
        });
        return new Response(text, { headers: { "content-type": "text/event-stream" } });
      });
      const url = site.urls.get("api") as string;
      const bodies = ["/slow", "/events"].map(async (path) => (await fetch(url + path)).text());
      assert.deepEqual(await Promise.all(bodies), ["slow", "data: late\n\n"]);
    },
  },
  {
    name: "stopping() makes every response say Connection: close, also those with immutable headers",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {}, absent: {}, origin: {} });
      site.open("origin", () => new Response("far"));
      site.open("api", async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/redirect") return Response.redirect("http://elsewhere.example/", 302);
        if (pathname === "/proxy") return fetch(site.urls.get("origin") as string);
        return new Response("plain");
      });
      const ask = async (service: string, path: string) => {
        const wire = await openWire({ port: site.port(service) });
        wire.send(get(path));
        await wire.until("\r\n\r\n");
        wire.destroy();
        return `${wire.received.slice(9, 12)} ${saysClose(wire.received)}`;
      };
      assert.equal(await ask("api", "/"), "200 false");
      site.plane.stopping(30_000);
      assert.equal(await ask("api", "/"), "200 true");
      assert.equal(await ask("api", "/redirect"), "302 true");
      assert.equal(await ask("api", "/proxy"), "200 true");
      assert.equal(await ask("absent", "/"), "503 true");
    },
  },
  {
    name: "an event stream that fails midway is logged once, with its error",
    async run(runtime) {
      assert.deepEqual(await loggedOfFailing(runtime, eventStream), [bodyBroke]);
    },
  },
  {
    name: "any body that fails midway is logged once, where the runtime tells: Bun does not",
    async run(runtime) {
      assert.deepEqual(await loggedOfFailing(runtime, {}), runtime.name === "deno" ? [bodyBroke] : []);
    },
  },
  {
    name: "call() reaches a service without a network, with or without an address of its own",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {}, inner: undefined });
      assert.equal(site.intake("api").needsFetch, true);
      assert.equal(site.intake("inner").needsFetch, false);
      const closed = await site.plane.call("inner", new Request("http://inner/"));
      assert.equal(closed.status, 503);
      assert.equal(closed.headers.get("retry-after"), "1");
      let seen: unknown;
      const target = site.open("inner", async (request, env) => {
        seen = { scope: scopes.getStore(), address: env.clientAddress, id: env.requestId };
        await wait(20);
        return new Response(`${request.method} ${new URL(request.url).pathname}`);
      });
      const request = new Request("http://inner/a", { method: "POST", headers: { "x-request-id": "r1" } });
      const answer = site.plane.call("inner", request);
      await eventually("it is held", () => site.lease("inner").held().requests === 1);
      assert.equal(await (await answer).text(), "POST /a");
      assert.deepEqual(seen, { scope: target.scope, address: undefined, id: "r1" });
      await assert.rejects(site.plane.call("nobody", new Request("http://nobody/")), /"nobody"/);
    },
  },
];

const bodyBroke = ["response broke off: its body failed", "body broke"];

/** What is logged, with its error, when a body fails behind its third chunk. */
async function loggedOfFailing(runtime: Runtime, init: ResponseInit): Promise<unknown[]> {
  await using site = await openSite(runtime, { api: {} });
  let left = 3;
  site.open("api", async () => {
    const body = new ReadableStream({
      async pull(controller) {
        await wait(5);
        if (left-- === 0) controller.error(new Error("body broke"));
        else controller.enqueue(new TextEncoder().encode("x"));
      },
    });
    return new Response(body, init);
  });
  await assert.rejects(fetch(site.urls.get("api") as string).then((response) => response.text()));
  await wait(30);
  return site.logged.map(({ message, fields }) => [message, messageOf(fields?.error)]);
}

/** One whose body is gone. */
async function readResponse(): Promise<Response> {
  const response = new Response("gone");
  await response.text();
  return response;
}
