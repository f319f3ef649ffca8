import assert from "node:assert/strict";
import { get, openWire, saysClose } from "../support/wire.ts";
import type { Case } from "./http-setup.ts";
import { eventStream, eventually, freeAddress, openBody, openSite, refused, wait } from "./http-setup.ts";

const nothing = { requests: 0, streams: 0, websockets: 0 };

export const drainingCases: Case[] = [
  {
    name: "drain() of an idle service resolves at once, also before it was ever open",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {}, never: {} });
      site.open("api", () => new Response("x"));
      await fetch(site.urls.get("api") as string).then((response) => response.text());
      const began = performance.now();
      site.intake("never").close();
      await site.lease("api").drain({ final: true });
      assert.ok(performance.now() - began < 50);
    },
  },
  {
    name: "a final drain refuses new connections while 200 requests of keep-alive clients finish",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      let arrived = 0;
      site.open("api", async (request) => {
        if (new URL(request.url).pathname === "/first") return new Response("first");
        arrived++;
        await wait(500);
        return new Response("done");
      });
      const port = site.port("api");
      const wires = await Promise.all(Array.from({ length: 200 }, () => openWire({ port })));
      for (const wire of wires) wire.send(get("/first"));
      await Promise.all(wires.map((wire) => wire.until("first")));
      const idle = await openWire({ port });
      idle.send(get("/first"));
      await idle.until("first");
      for (const wire of wires) wire.send(get("/slow"));
      await eventually("all have arrived", () => arrived === 200);
      const lease = site.lease("api");
      assert.deepEqual(lease.held(), { ...nothing, requests: 200 });
      const drained = lease.drain({ final: true });
      await refused(port);
      const texts = await Promise.all(wires.map((wire) => wire.closed));
      for (const text of texts) assert.match(text, /connection: close\r\n[\s\S]*done$/i);
      await drained;
      await idle.closed;
      assert.deepEqual(lease.held(), nothing);
      assert.equal(lease.cutStreams, 0);
    },
  },
  {
    name: "a drain that is not final keeps the listener, and refuses politely while it goes on",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", () => wait(150).then(() => new Response("done")));
      const url = site.urls.get("api") as string;
      const slow = fetch(url).then((response) => response.text());
      await eventually("it has arrived", () => site.lease("api").held().requests === 1);
      const drained = site.lease("api").drain({ final: false });
      assert.equal((await fetch(url)).status, 503);
      await drained;
      assert.equal(await slow, "done");
    },
  },
  {
    name: "a shared listener closes with its last door; until then a drained one answers 503 and closes",
    async run(runtime) {
      const address = await freeAddress();
      await using site = await openSite(runtime, { a: { address, path: "/a" }, b: { address, path: "/b" } });
      for (const name of ["a", "b"]) site.open(name, () => new Response(name));
      const ask = async (path: string) => {
        const wire = await openWire(address);
        wire.send(get(path));
        await wire.until("\r\n\r\n");
        wire.destroy();
        return `${wire.received.slice(9, 12)} ${saysClose(wire.received)}`;
      };
      await site.lease("a").drain({ final: true });
      assert.equal(await ask("/a"), "503 true");
      assert.equal(await ask("/b"), "200 false");
      await site.lease("b").drain({ final: true });
      await refused(address.port);
    },
  },
  ...[true, false].map((isShared) => ({
    name: `a body that streams is in flight to its end, on a ${isShared ? "shared" : "dedicated"} listener`,
    async run(runtime: Parameters<Case["run"]>[0]) {
      const address = await freeAddress();
      const others = isShared ? { other: { address, path: "/other" } } : {};
      await using site = await openSite(runtime, { api: { address }, ...others });
      const mine = openBody();
      const foreign = openBody();
      site.open("api", () => new Response(mine.stream));
      if (isShared) site.open("other", () => new Response(foreign.stream));
      const wire = await openWire(address);
      wire.send(get("/"));
      const neighbour = await openWire(address);
      if (isShared) neighbour.send(get("/other"));
      mine.write("begin ");
      foreign.write("foreign");
      await wire.until("begin");
      if (isShared) await neighbour.until("foreign");
      const lease = site.lease("api");
      assert.deepEqual(lease.held(), { ...nothing, requests: 1 });
      let isDrained = false;
      const drained = lease.drain({ final: true }).then(() => {
        isDrained = true;
      });
      await wait(60);
      assert.equal(isDrained, false);
      mine.write("end");
      mine.close();
      await wire.until("end");
      // On the shared listener the neighbour's body is still open: it must hold nobody but its own service.
      await drained;
      assert.deepEqual(lease.held(), nothing);
      if (isShared) assert.deepEqual(site.lease("other").held(), { ...nothing, requests: 1 });
      foreign.close();
      wire.destroy();
      neighbour.destroy();
    },
  })),
  {
    name: "held() counts a handler whose client has gone, next to a body that streams",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const body = openBody();
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      site.open("api", async (request) => {
        if (new URL(request.url).pathname === "/stream") return new Response(body.stream);
        await released;
        return new Response("nobody reads this");
      });
      const port = site.port("api");
      const [gone, reader] = [await openWire({ port }), await openWire({ port })];
      gone.send(get("/"));
      reader.send(get("/stream"));
      body.write("x");
      await reader.until("\r\n\r\n");
      const lease = site.lease("api");
      await eventually("both are held", () => lease.held().requests === 2);
      gone.destroy();
      await wait(50);
      assert.equal(lease.held().requests, 2);
      release();
      await eventually("only the stream is left", () => lease.held().requests === 1);
      body.close();
      await eventually("nothing is left", () => lease.held().requests === 0);
      reader.destroy();
    },
  },
  {
    name: "an answer whose client is still reading is in flight to its last byte",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", () => new Response("x".repeat(24_000_000)));
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      await wire.until("\r\n\r\n");
      wire.pause();
      const lease = site.lease("api");
      let isDrained = false;
      const drained = lease.drain({ final: true }).then(() => {
        isDrained = true;
      });
      await wait(60);
      assert.deepEqual([isDrained, lease.held()], [false, { ...nothing, requests: 1 }]);
      wire.resume();
      await drained;
      assert.deepEqual(lease.held(), nothing);
      assert.ok((await wire.closed).length > 24_000_000);
    },
  },
  {
    name: "cut() ends the wait for a client that has stopped reading",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", () => new Response("x".repeat(24_000_000)));
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      await wire.until("\r\n\r\n");
      wire.pause();
      const lease = site.lease("api");
      const drained = lease.drain({ final: true });
      await wait(30);
      assert.deepEqual(lease.held(), { ...nothing, requests: 1 });
      lease.cut();
      await drained;
      wire.destroy();
    },
  },
  {
    name: "a client that never ends its request and has its answer holds no drain",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", () => new Response("hi"));
      const wire = await openWire({ port: site.port("api") });
      wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n12345");
      await wire.until("hi");
      await site.lease("api").drain({ final: true });
      assert.deepEqual(site.lease("api").held(), nothing);
      wire.destroy();
    },
  },
  {
    name: "a body that is still arriving when a final drain begins is read to its end",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      site.open("api", async (request) => new Response(`got ${(await request.text()).length}`));
      const port = site.port("api");
      const wire = await openWire({ port });
      wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345");
      const lease = site.lease("api");
      await eventually("it has arrived", () => lease.held().requests === 1);
      const drained = lease.drain({ final: true });
      await wait(30);
      wire.send("67890");
      assert.match(await wire.closed, /^HTTP\/1.1 200[\s\S]*connection: close[\s\S]*got 10$/i);
      await drained;
      await refused(port);
    },
  },
  {
    name: "an event stream ends cleanly when the drain begins, and its service is told by cancel",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const body = openBody();
      site.open("api", () => new Response(body.stream, eventStream));
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      body.write("data: 1\n\n");
      await wire.until("data: 1");
      const lease = site.lease("api");
      assert.deepEqual(lease.held(), { ...nothing, streams: 1 });
      const drained = lease.drain({ final: true });
      body.write("data: last words\n\n");
      const text = await wire.closed;
      assert.match(text, /data: last words\n\n\r\n0\r\n\r\n$/);
      await drained;
      assert.equal(body.isCancelled, true);
      assert.equal(lease.cutStreams, 0);
      assert.deepEqual(lease.held(), nothing);
    },
  },
  {
    name: "an event stream whose client leaves is cancelled in the service, and no longer held",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const body = openBody();
      site.open("api", () => new Response(body.stream, eventStream));
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      body.write("data: 1\n\n");
      await wire.until("data: 1");
      wire.destroy();
      await eventually("the service is told", () => body.isCancelled);
      await eventually("nothing is held", () => site.lease("api").held().streams === 0);
      assert.deepEqual(site.lease("api").held(), nothing);
    },
  },
  {
    name: "an event stream whose client does not read is cut after streamsTimeout and counted",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} }, { streamsTimeout: 200 });
      const block = new Uint8Array(1_000_000);
      site.open("api", () => {
        const flood = new ReadableStream({ pull: (output) => output.enqueue(block) }, { highWaterMark: 0 });
        return new Response(flood, eventStream);
      });
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      await wire.until("\r\n\r\n");
      wire.pause();
      await wait(100);
      const lease = site.lease("api");
      const began = performance.now();
      await lease.drain({ final: true });
      const took = performance.now() - began;
      assert.ok(took >= 150 && took < 600, `took ${took} ms`);
      assert.equal(lease.cutStreams, 1);
      assert.deepEqual(lease.held(), nothing);
      wire.destroy();
    },
  },
  {
    name: "an event stream that a handler opens after the drain began is ended too",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const body = openBody();
      site.open("api", async () => {
        await wait(60);
        return new Response(body.stream, eventStream);
      });
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      const lease = site.lease("api");
      await eventually("it has arrived", () => lease.held().requests === 1);
      await lease.drain({ final: true });
      assert.match(await wire.closed, /^HTTP\/1.1 200/);
      assert.equal(body.isCancelled, true);
    },
  },
  ...[true, false].map((isShared) => ({
    name: `cut() ends a handler that never answers, on a ${isShared ? "shared" : "dedicated"} listener`,
    async run(runtime: Parameters<Case["run"]>[0]) {
      const address = await freeAddress();
      const others = isShared ? { other: { address, path: "/other" } } : {};
      await using site = await openSite(runtime, { api: { address }, ...others });
      site.open("api", () => new Promise(() => {}));
      const wire = await openWire(address);
      wire.send(get("/"));
      const lease = site.lease("api");
      await eventually("it has arrived", () => lease.held().requests === 1);
      const drained = lease.drain({ final: true });
      await wait(30);
      assert.equal(lease.held().requests, 1);
      lease.cut();
      await drained;
      const text = await wire.until("stopped");
      assert.match(text, /^HTTP\/1.1 503/);
      assert.ok(saysClose(text));
      wire.destroy();
    },
  })),
  {
    name: "what an old generation left behind is no business of the next one",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const url = site.urls.get("api") as string;
      let finish = () => {};
      site.open(
        "api",
        () =>
          new Promise((resolve) => {
            finish = () => resolve(new Response("too late"));
          }),
      );
      const old = site.lease("api");
      const first = fetch(url);
      await eventually("it has arrived", () => old.held().requests === 1);
      const drained = old.drain({ final: false });
      old.cut();
      await drained;
      assert.equal((await first).status, 503);
      site.open("api", () => new Response("second"));
      assert.equal(await (await fetch(url)).text(), "second");
      finish();
      await wait(10);
      const lease = site.lease("api");
      assert.deepEqual(lease.held(), nothing);
      await lease.drain({ final: true });
    },
  },
];
