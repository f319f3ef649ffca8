import assert from "node:assert/strict";
import process from "node:process";
import { systemClock } from "../../src/core/clock.ts";
import { createEvents } from "../../src/core/events.ts";
import { createLogger } from "../../src/core/log.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { createGroup } from "../../src/group/group.ts";
import { createBlame } from "../../src/host/blame.ts";
import { InlineHost } from "../../src/host/inline.ts";
import { createQueueFinder } from "../../src/host/queue-finder.ts";
import type { Context, Service } from "../../src/service/contract.ts";
import { fakeService } from "../support/fake-service.ts";
import type { Wire } from "../support/wire.ts";
import { openWire } from "../support/wire.ts";
import type { Case, Site } from "./http-setup.ts";
import {
  eventStream,
  eventually,
  freeAddress,
  httpPlan,
  openBody,
  openSite,
  refused,
  wait,
} from "./http-setup.ts";

const nothing = { requests: 0, streams: 0, websockets: 0 };
const shutdown = { timeout: 10_000, delay: 0, order: "reverse", streamsTimeout: 300 } as const;

export const replacingCases: Case[] = [
  {
    name: "a second open() takes over in one step, on the same connection, and the old lease ends with its own work",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      let finish = () => {};
      site.open("api", (request) =>
        request.url.endsWith("/slow")
          ? new Promise((resolve) => {
              finish = () => resolve(new Response("old, late"));
            })
          : new Response("old"),
      );
      const old = site.lease("api");
      const wire = await openWire({ port: site.port("api") });
      assert.match(await ask(wire, "/"), /old$/);
      const slow = await openWire({ port: site.port("api") });
      slow.send(get("/slow"));
      await eventually("it has arrived", () => old.held().requests === 1);
      site.open("api", () => new Response("new"));
      const text = await ask(wire, "/");
      assert.match(text, /new$/);
      assert.doesNotMatch(text, /connection: close/i);
      let isDrained = false;
      const drained = old.drain({ final: false }).then(() => {
        isDrained = true;
      });
      for (let round = 0; round < 50; round++) assert.match(await ask(wire, "/"), /new$/);
      assert.equal(isDrained, false);
      assert.equal(old.held().requests, 1);
      finish();
      assert.match(await slow.until("late"), /^HTTP\/1.1 200/);
      await drained;
      assert.match(await ask(wire, "/"), /new$/);
      assert.equal(wire.isClosed, false);
      await site.lease("api").drain({ final: true });
    },
  },
  {
    name: "an old lease is drained while the new one never rests",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const url = site.urls.get("api") as string;
      const serve = () => new Promise<Response>((resolve) => setTimeout(resolve, 3, new Response("ok")));
      site.open("api", serve);
      let isOver = false;
      const clients = Array.from({ length: 20 }, async () => {
        while (!isOver) assert.equal((await fetch(url)).status, 200);
      });
      for (let round = 0; round < 5; round++) {
        await wait(10);
        const old = site.lease("api");
        site.open("api", serve);
        const since = performance.now();
        await old.drain({ final: false });
        assert.ok(performance.now() - since < 1_000, "it waited for requests of the new one");
        assert.deepEqual(old.held(), nothing);
      }
      isOver = true;
      await Promise.all(clients);
      await eventually("nothing is held", () => site.lease("api").held().requests === 0);
    },
  },
  {
    name: "a body that the old lease still writes is its own, and not the new one's",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const body = openBody();
      site.open("api", () => new Response(body.stream));
      const old = site.lease("api");
      const wire = await openWire({ port: site.port("api") });
      wire.send(get("/"));
      await eventually("it was asked", () => old.held().requests === 1);
      body.write("first");
      await wire.until("first");
      site.open("api", () => new Response("new"));
      const drained = old.drain({ final: false });
      assert.equal(await (await fetch(site.urls.get("api") as string)).text(), "new");
      await wait(20);
      assert.equal(old.held().requests, 1);
      body.write("last");
      body.close();
      await wire.until("last");
      await drained;
    },
  },
  {
    name: "event streams of the old lease end when it drains, those of the new one go on",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const [first, second] = [openBody(), openBody()];
      site.open("api", () => new Response(first.stream, eventStream));
      const old = site.lease("api");
      const one = await openWire({ port: site.port("api") });
      one.send(get("/"));
      first.write("data: 1\n\n");
      await one.until("data: 1");
      site.open("api", () => new Response(second.stream, eventStream));
      const two = await openWire({ port: site.port("api") });
      two.send(get("/"));
      second.write("data: 2\n\n");
      await two.until("data: 2");
      await old.drain({ final: false });
      assert.ok(first.isCancelled);
      assert.deepEqual(site.lease("api").held(), { ...nothing, streams: 1 });
      second.write("data: 3\n\n");
      await two.until("data: 3");
      await site.lease("api").drain({ final: true });
    },
  },
  {
    name: "when the newest lease drains first, the one before it takes the requests again",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const url = site.urls.get("api") as string;
      site.open("api", () => new Response("old"));
      const old = site.lease("api");
      site.open("api", () => new Response("new"));
      await site.lease("api").drain({ final: false });
      assert.equal(await (await fetch(url)).text(), "old");
      await eventually("nothing is held", () => old.held().requests === 0);
      await old.drain({ final: true });
    },
  },
  {
    name: "a paused service answers 503 with Retry-After, also in the process, whoever opens meanwhile",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const url = site.urls.get("api") as string;
      site.open("api", () => new Response("old"));
      const old = site.lease("api");
      site.intake("api").pause();
      site.open("api", () => new Response("new"));
      await old.drain({ final: false });
      for (const response of [await fetch(url), await site.plane.call("api", new Request("http://api/"))]) {
        assert.equal(response.status, 503);
        assert.equal(response.headers.get("retry-after"), "1");
        assert.deepEqual(await response.json(), { error: "paused", service: "api" });
      }
      site.intake("api").resume();
      assert.equal(await (await fetch(url)).text(), "new");
    },
  },
  {
    name: "update() adds and removes services and addresses, and the connections of the others go on",
    async run(runtime) {
      const shared = await freeAddress();
      await using site = await openSite(runtime, { stays: { address: shared }, goes: {} });
      site.open("stays", () => new Response("stays"));
      site.open("goes", () => new Response("goes"));
      const wire = await openWire({ port: shared.port });
      assert.match(await ask(wire, "/"), /stays$/);
      const gone = site.port("goes");
      const update = await site.plane.update([
        { name: "stays", http: httpPlan({ address: shared }) },
        { name: "below", http: httpPlan({ address: shared, path: "/below" }) },
        { name: "comes", http: httpPlan() },
      ]);
      assert.equal(await (await fetch(site.urls.get("goes") as string)).text(), "goes");
      update.commit();
      assert.equal((await fetch(site.urls.get("comes") as string)).status, 503);
      site.open("comes", () => new Response("comes"));
      site.open("below", () => new Response("below"));
      assert.equal(await (await fetch(site.urls.get("comes") as string)).text(), "comes");
      assert.match(await ask(wire, "/below"), /below$/);
      assert.match(await ask(wire, "/"), /stays$/);
      await site.lease("goes").drain({ final: true });
      await update.release();
      await refused(gone);
      assert.throws(() => site.plane.intake("goes"), RangeError);
      assert.match(await ask(wire, "/"), /stays$/);
    },
  },
  {
    name: "update() with what is there already changes nothing, and knows it again after another one",
    async run(runtime) {
      const [first, second] = [await freeAddress(), await freeAddress()];
      const http = httpPlan({ address: first });
      await using site = await openSite(runtime, { api: { address: first } });
      site.open("api", () => new Response("api"));
      const answers = async ({ port }: { port: number }) =>
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "api");
      for (const plan of [http, http, httpPlan({ address: second }), http]) {
        const update = await site.plane.update([{ name: "api", http: plan }]);
        update.commit();
        await update.release();
        await answers(plan === http ? first : second);
        await refused(plan === http ? second.port : first.port);
      }
    },
  },
  {
    name: "update() moves a service to another port: the old one answers until release()",
    async run(runtime) {
      const [from, to] = [await freeAddress(), await freeAddress()];
      await using site = await openSite(runtime, { api: { address: from } });
      site.open("api", () => new Response("old"));
      const old = site.lease("api");
      const update = await site.plane.update([{ name: "api", http: httpPlan({ address: to }) }]);
      update.commit();
      site.open("api", () => new Response("new"));
      for (const { port } of [from, to]) {
        assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "new");
      }
      await old.drain({ final: false });
      await update.release();
      await refused(from.port);
      assert.equal(await (await fetch(`http://127.0.0.1:${to.port}/`)).text(), "new");
      await site.lease("api").drain({ final: true });
      await refused(to.port);
    },
  },
  {
    name: "update() that cannot bind one address changes nothing, and rollback() lets go of all of them",
    async run(runtime) {
      const [kept, fine] = [await freeAddress(), await freeAddress()];
      await using taken = await openSite(runtime, { other: {} });
      await using site = await openSite(runtime, { api: { address: kept } });
      site.open("api", () => new Response("api"));
      const api = { name: "api", http: httpPlan({ address: kept }) };
      const good = { name: "good", http: httpPlan({ address: fine }) };
      const bad = {
        name: "bad",
        http: httpPlan({ address: { tag: "tcp", host: "127.0.0.1", port: taken.port("other") } }),
      };
      await assert.rejects(site.plane.update([api, good, bad]), (error) => {
        assert.ok(error instanceof ProblemsError);
        assert.deepEqual(
          error.problems.map(({ code }) => code),
          ["ADDRESS_IN_USE"],
        );
        return true;
      });
      await refused(fine.port);
      assert.throws(() => site.plane.intake("good"), RangeError);
      const update = await site.plane.update([api, good]);
      await update.rollback();
      await refused(fine.port);
      assert.equal(await (await fetch(site.urls.get("api") as string)).text(), "api");
    },
  },
  {
    name: "20,000 requests meet 50 replaces, good and bad ones: none fails, no connection is reset",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const world = supervised(site, (ctx) => serviceOf(ctx));
      await world.ready();
      const url = site.urls.get("api") as string;
      const load = startLoad(site.port("api"), url, 20_000);
      let bad = 0;
      for (let round = 0; round < 50; round++) {
        const [step] = await world.group.perform("restart", ["api"]);
        if (step?.outcome === "failed") bad++;
        await wait(5);
      }
      assert.deepEqual(await load, { requests: 20_000, failures: [] });
      // Every fifth generation throws: some at load, some at start.
      assert.equal(bad, 10);
      const report = await world.group.stop({ tag: "request" });
      assert.equal(report.outcome, "clean");
    },
  },
  {
    name: "500 replaces leave nothing behind: no scope, no timer, no generation",
    async run(runtime) {
      await using site = await openSite(runtime, { api: {} });
      const world = supervised(site, () => ({ fetch: () => new Response("ok") }));
      await world.ready();
      const url = site.urls.get("api") as string;
      const replace = async (times: number) => {
        for (let round = 0; round < times; round++) {
          await world.group.perform("restart", ["api"]);
          await (await fetch(url)).text();
        }
        return settledHeap();
      };
      const before = await replace(100);
      const after = await replace(500);
      assert.equal(world.scopes.size, 1);
      assert.ok(after - before < 4_000_000, `the heap grew from ${before} to ${after} bytes`);
      await world.group.stop({ tag: "request" });
      assert.equal(world.scopes.size, 0);
    },
  },
];

/** A group with one inline service behind the site's "api", with all the parts that the product has. */
function supervised(site: Site, create: (ctx: Context) => Service | Promise<Service>) {
  const blame = createBlame(() => []);
  const scopes = new Set<unknown>();
  const { beacon, plane } = site;
  const log = createLogger(() => {}, systemClock.wall);
  const member = fakeService("api", [], { startTimeout: 2_000 });
  const events = createEvents();
  const group = createGroup({
    members: [
      {
        ...member,
        createHost: (generation, report) =>
          new InlineHost({
            name: "api",
            generation,
            blueprint: () => ({ create, config: undefined }),
            env: {},
            log,
            clock: systemClock,
            beacon,
            mark: 1,
            intakes: [plane.intake("api")],
            service: () => ({ fetch: () => Promise.reject(new Error("there is no other")) }),
            queue: createQueueFinder(
              () => [],
              () => {
                throw new RangeError("there is none");
              },
            ),
            report,
            blame(scope) {
              scopes.add(scope);
              const unblame = blame.register(scope, "/nowhere/api.ts");
              return () => {
                scopes.delete(scope);
                unblame();
              };
            },
          }),
      },
    ],
    shutdown,
    clock: systemClock,
    random: Math.random,
    events,
  });
  const ready = () => eventually("the service is ready", () => group.snapshots()[0]?.state === "ready");
  group.start();
  return { group, scopes, ready };
}

/** Sound, but for every fifth generation. */
function serviceOf({ generation }: Context): Service {
  if (generation % 10 === 0) throw new Error("refused at load");
  return {
    start() {
      if (generation % 5 === 0) throw new Error("refused at start");
    },
    async fetch(request) {
      if (request.url.endsWith("/slow")) await wait(2);
      return new Response(`generation ${generation}`);
    },
  };
}

/** Half of the requests on connections that stay, one in ten on a connection of its own. */
async function startLoad(port: number, url: string, total: number) {
  const failures: string[] = [];
  let requests = 0;
  const next = () => requests < total && ++requests;
  const keepAlive = Array.from({ length: 8 }, async () => {
    const wire = await openWire({ port });
    for (let number = next(); number; number = next()) {
      const text = await ask(wire, number % 3 === 0 ? "/slow" : "/").catch((error) => String(error));
      if (!text.startsWith("HTTP/1.1 200") || /connection: close/i.test(text)) failures.push(text);
      if (number % 400 === 0) await wait(5);
    }
    if (wire.isClosed) failures.push("a connection was closed");
    wire.destroy();
  });
  const fresh = Array.from({ length: 4 }, async () => {
    for (let number = next(); number; number = next()) {
      const outcome = await fetch(url, { headers: { connection: "close" } }).then(
        async (response) => (await response.text()) && response.status,
        String,
      );
      if (outcome !== 200) failures.push(String(outcome));
    }
  });
  await Promise.all([...keepAlive, ...fresh]);
  return { requests, failures };
}

const asked = new WeakMap<Wire, number>();

/** The next answer on `wire`, without those before it. */
async function ask(wire: Wire, path: string): Promise<string> {
  const from = asked.get(wire) ?? 0;
  wire.send(get(path));
  for (;;) {
    const text = wire.received.slice(from);
    const head = text.indexOf("\r\n\r\n");
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN);
    if (head >= 0 && text.length >= head + 4 + length) {
      asked.set(wire, from + head + 4 + length);
      return text.slice(0, head + 4 + length);
    }
    if (wire.isClosed) throw new Error(`The connection ended after: ${text}`);
    await wait(0);
  }
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

/** Bytes that are really in use; on Deno `gc` is there because the contract runs with `--expose-gc`. */
async function settledHeap(): Promise<number> {
  const collect = (Reflect.get(globalThis, "Bun")?.gc ?? Reflect.get(globalThis, "gc")) as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    await wait(20);
  }
  return process.memoryUsage().heapUsed;
}
