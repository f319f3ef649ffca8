import assert from "node:assert/strict";
import { beaconCells } from "../../src/core/beacon.ts";
import { scopes } from "../../src/service/scope.ts";
import { openWire, upgrade } from "../support/wire.ts";
import type { Case } from "./http-setup.ts";
import { eventually, openSite, wait } from "./http-setup.ts";

const nothing = { requests: 0, streams: 0, websockets: 0 };

export const socketCases: Case[] = [
  {
    name: "env.upgradeWebSocket() gives a standard WebSocket whose events run in the scope of the service",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const seen: unknown[] = [];
      const note = (event: string) =>
        seen.push([event, scopes.getStore()?.service, site.beacon[beaconCells.current]]);
      site.open("api", (request, env) => {
        const { socket, response } = env.upgradeWebSocket(request, { protocol: "chat" });
        assert.equal(socket.readyState, 0);
        assert.throws(() => socket.send("too early"), { name: "InvalidStateError" });
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
          note("open");
          socket.send("welcome");
        };
        socket.addEventListener("message", ({ data }) => {
          note("message");
          if (typeof data === "string") socket.send(`echo ${data} ${socket.protocol} ${socket.readyState}`);
          else socket.send(new Uint8Array(data as ArrayBuffer).map((byte) => byte + 1));
        });
        socket.onclose = ({ code, reason }) => note(`close ${code} ${reason}`);
        assert.equal(typeof socket.onopen, "function");
        return response;
      });
      const client = await openClient(site.port("api"), ["chat"]);
      assert.equal(client.socket.protocol, "chat");
      client.socket.send("hi");
      client.socket.send(new Uint8Array([1, 2]));
      await eventually("all has come", () => client.messages.length === 3);
      assert.deepEqual(client.messages.slice(0, 2), ["welcome", "echo hi chat 1"]);
      assert.deepEqual([...new Uint8Array(client.messages[2] as ArrayBuffer)], [2, 3]);
      assert.deepEqual(site.lease("api").held(), { ...nothing, websockets: 1 });
      client.socket.close(4000, "enough");
      await eventually("it is closed", () => site.lease("api").held().websockets === 0);
      await eventually("the service knows", () => seen.length === 4);
      assert.deepEqual(seen, [
        ["open", "api", 1],
        ["message", "api", 1],
        ["message", "api", 1],
        ["close 4000 enough", "api", 1],
      ]);
    },
  },
  {
    name: "middleware may replace the response of an upgrade",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", async (request, env) => {
        const { socket } = env.upgradeWebSocket(request);
        socket.onmessage = ({ data }) => socket.send(`echo ${data}`);
        await wait(5);
        return new Response("something else");
      });
      const client = await openClient(site.port("api"));
      client.socket.send("1");
      await eventually("the echo", () => client.messages[0] === "echo 1");
      client.socket.close();
    },
  },
  {
    name: "a request that asks for no WebSocket is not upgraded, and neither is a call within the process",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", (request, env) => env.upgradeWebSocket(request).response);
      assert.equal((await fetch(site.urls.get("api") as string)).status, 500);
      assert.equal((await site.plane.call("api", new Request("http://api/"))).status, 500);
      assert.ok(site.logged.every((entry) => entry.fields?.error instanceof TypeError));
    },
  },
  {
    name: "a drain closes WebSockets with 1001, and keeps the other requests",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const closes: unknown[] = [];
      site.open("api", (request, env) => {
        const { socket, response } = env.upgradeWebSocket(request);
        socket.onclose = (event) => closes.push(event.code);
        return response;
      });
      const clients = await Promise.all([1, 2, 3].map(() => openClient(site.port("api"))));
      const lease = site.lease("api");
      await eventually("all are held", () => lease.held().websockets === 3);
      const began = performance.now();
      await lease.drain({ final: true });
      assert.ok(performance.now() - began < 250);
      assert.deepEqual(lease.ended, { streams: 0, websockets: 3 });
      assert.equal(lease.cutStreams, 0);
      assert.deepEqual(lease.held(), nothing);
      for (const client of clients) {
        const { code, reason } = await client.closed;
        assert.equal(code, 1001);
        // Deno's own stop is a moment faster than we are, with the same code.
        assert.match(reason, /^(service is stopping|Server shutting down)$/);
      }
      await eventually("the service knows", () => closes.length === 3);
    },
  },
  {
    name: "a WebSocket that does not answer the close does not hold the drain beyond streamsTimeout",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} }, { streamsTimeout: 200 });
      site.open("api", (request, env) => env.upgradeWebSocket(request).response);
      const wire = await openWire({ port: site.port("api") });
      wire.send(upgrade("/"));
      await wire.until("101");
      const lease = site.lease("api");
      await eventually("it is held", () => lease.held().websockets === 1);
      const began = performance.now();
      await lease.drain({ final: true });
      assert.ok(performance.now() - began < 500);
      assert.deepEqual(lease.held(), nothing);
      wire.destroy();
    },
  },
  {
    name: "cut() ends open WebSockets",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", (request, env) => env.upgradeWebSocket(request).response);
      const client = await openClient(site.port("api"));
      const lease = site.lease("api");
      await eventually("it is held", () => lease.held().websockets === 1);
      lease.cut();
      assert.deepEqual(lease.held(), nothing);
      await client.closed;
    },
  },
  {
    name: "upgradeWebSocket of hono's adapter for this runtime works, is held and drained",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const { Hono } = await import("hono");
      const adapter = runtime.name === "bun" ? await import("hono/bun") : await import("hono/deno");
      const app = new Hono();
      const scopesSeen: unknown[] = [];
      app.get(
        "/ws",
        adapter.upgradeWebSocket(() => ({
          onMessage(event, socket) {
            scopesSeen.push(scopes.getStore()?.service);
            socket.send(`hono ${event.data}`);
          },
        })),
      );
      app.get("/info", (c) => c.text(adapter.getConnInfo(c).remote.address ?? "none"));
      const websocket = "websocket" in adapter ? adapter.websocket : undefined;
      site.open("api", (request, env) => app.fetch(request, env), websocket);
      assert.equal(await (await fetch(`${site.urls.get("api")}/info`)).text(), "127.0.0.1");
      const client = await openClient(site.port("api"), [], "/ws");
      client.socket.send("hi");
      await eventually("the echo", () => client.messages[0] === "hono hi");
      assert.deepEqual(scopesSeen, ["api"]);
      const lease = site.lease("api");
      assert.deepEqual(lease.held(), { ...nothing, websockets: 1 });
      await lease.drain({ final: true });
      assert.equal((await client.closed).code, 1001);
      assert.deepEqual(lease.held(), nothing);
    },
  },
];

interface Client {
  readonly socket: WebSocket;
  readonly messages: unknown[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

function openClient(port: number, protocols: string[] = [], path = "/"): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols);
  socket.binaryType = "arraybuffer";
  const messages: unknown[] = [];
  socket.onmessage = ({ data }) => void messages.push(data);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve({ socket, messages, closed });
    socket.onerror = () => reject(new Error("The WebSocket did not open"));
  });
}
