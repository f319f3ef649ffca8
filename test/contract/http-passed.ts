import assert from "node:assert/strict";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Address } from "../../src/core/plan.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import type { Libc } from "../../src/runtime/libc.ts";
import type { SystemCalls } from "../../src/runtime/native.ts";
import { openSystemCalls } from "../../src/runtime/native-detect.ts";
import { listeningOn, withPassedSockets } from "../../src/runtime/passed-listener.ts";
import type { NativeServer, Runtime } from "../../src/runtime/runtime.ts";
import { openWire } from "../support/wire.ts";
import { httpPlaneCases } from "./http-plane.ts";
import type { Case, Site } from "./http-setup.ts";
import { httpPlan, openSite } from "./http-setup.ts";

/** The whole contract of HTTP again, with sockets that somebody else has opened wherever a port is asked for. */
const everyCase: readonly Case[] = httpPlaneCases.map(({ name, run }) => ({
  name,
  run: async (runtime) => run(passing(runtime, await callsOf(), await libcOf())),
}));

/** What is true of such sockets only. */
const ownCases: readonly Case[] = [
  {
    name: "a name that systemd has not passed, or has passed twice, is told with what it has passed",
    async run(runtime) {
      const passed = withPassedSockets(runtime, { web: [4], two: [5, 6] }, await callsOf());
      assert.match(await refusalOf(passed, "api"), /no socket of that name.*It has passed: web, two\./);
      assert.match(await refusalOf(passed, "two"), /passed 2 sockets of that name/);
      const none = withPassedSockets(runtime, {}, await callsOf());
      assert.match(await refusalOf(none, "api"), /Install the socket unit that "supervisor systemd" writes/);
    },
  },
  {
    name: "a descriptor that does not listen is refused",
    async run(runtime) {
      const passed = withPassedSockets(runtime, { web: [2] }, await callsOf());
      assert.match(await refusalOf(passed, "web"), /descriptor 2 does not listen/);
    },
  },
  {
    name: "a socket that listens elsewhere than services.yaml says is refused, and without a word is taken",
    async run(runtime) {
      const [calls, libc] = [await callsOf(), await libcOf()];
      const { descriptor, port } = await openSocket(runtime, calls, libc);
      const passed = withPassedSockets(runtime, { web: [descriptor] }, calls);
      const at = { tag: "tcp", host: "127.0.0.1", port: 1 } as const;
      assert.match(await refusalOf(passed, "web", at), /listens on 127\.0\.0\.1:\d+, not on 127\.0\.0\.1:1/);
      await using site = await openSite(passed, { web: { address: { tag: "systemd", name: "web" } } });
      assert.equal(site.port("web"), port);
      const moved = httpPlan({ address: { tag: "systemd", name: "web", at } });
      await assert.rejects(
        site.plane.update([{ name: "web", http: moved }]),
        /listens on 127\.0\.0\.1:\d+, not on 127\.0\.0\.1:1/,
      );
      libc.dup2(2, descriptor);
    },
  },
  {
    name: "who comes after quiesce() waits, and is answered by the next one that takes the socket",
    async run(runtime) {
      const [calls, libc] = [await callsOf(), await libcOf()];
      const { descriptor, port } = await openSocket(runtime, calls, libc);
      const passed = withPassedSockets(runtime, { web: [descriptor] }, calls);
      const serve = (text: string) =>
        passed.prepareServer({
          address: { tag: "systemd", name: "web" },
          idleTimeout: 10_000,
          fetch: () => new Response(text, { headers: { connection: "close" } }),
        })();
      const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();
      const first = serve("first");
      assert.equal(await ask(), "first");
      await first.quiesce?.(1_000);
      const late = ask();
      assert.equal(await Promise.race([late, sleep(100, "waits")]), "waits");
      await first.stop();
      const second = serve("second");
      assert.equal(await late, "second");
      await second.kill();
      libc.dup2(2, descriptor);
    },
  },
  {
    name: "quiesce() waits until every connection has been silent for a while, however long each was before",
    async run(runtime) {
      await using it = await openPassed(runtime);
      const [idle, busy] = [await it.client(), await it.client()];
      await idle.ask();
      await sleep(150);
      await busy.ask();
      const quiet = it.quiesce();
      await sleep(50);
      // The client's busy connection ends, and it turns to the one that was idle.
      busy.end();
      await sleep(70);
      assert.equal(quiet.took, undefined, "the end of another connection counts");
      await idle.ask();
      await sleep(70);
      assert.equal(quiet.took, undefined, "a request counts");
      await quiet.done;
      idle.end();
    },
  },
  {
    name: "quiesce() waits for nobody where no connection is open, and not for ever where one never rests",
    async run(runtime) {
      await using it = await openPassed(runtime);
      const client = await it.client();
      await client.ask();
      const bounded = it.quiesce(200);
      while (bounded.took === undefined) {
        await client.ask();
        await sleep(10);
      }
      assert.ok(bounded.took >= 190 && bounded.took < 600, `took ${bounded.took} ms`);
      client.end();
      await sleep(50);
      const alone = it.quiesce();
      await alone.done;
      assert.ok((alone.took ?? 0) < 90, `took ${alone.took} ms`);
    },
  },
];

/** Before its first generation is ready; `failing` is what the group says when it will not be. */
const firstStartCases: readonly Case[] = [
  {
    name: "a request that comes before its service was ready for the first time waits until it is, with its body",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/" });
      const early = it.ask("/", { method: "POST", body: "x".repeat(100_000) });
      assert.equal(await Promise.race([early, sleep(100, "waits")]), "waits");
      it.site.open("a", async (request) => new Response(`read ${(await request.text()).length}`));
      assert.equal(await early, "200 read 100000");
      await it.site.lease("a").drain({ final: false });
      assert.match(await it.ask("/"), /^503 .*not ready/);
    },
  },
  {
    name: "of several services on one socket, each request waits for its own",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/", b: "/b" });
      const early = it.ask("/b");
      it.site.open("a", () => new Response("from a"));
      assert.equal(await it.ask("/"), "200 from a");
      assert.equal(await Promise.race([early, sleep(50, "waits")]), "waits");
      it.site.open("b", () => new Response("from b"));
      assert.equal(await early, "200 from b");
    },
  },
  {
    name: "who waits for a service that fails is refused, and nobody waits for it after that",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/", b: "/b" });
      const [early, other] = [it.ask("/"), it.ask("/b")];
      await sleep(50);
      it.site.plane.follow({ type: "serviceFailed", service: "a", generation: 1, error: new Error("no") });
      assert.match(await early, /^503 .*not ready.*"a"/);
      assert.match(await it.ask("/"), /^503 /);
      const quarantined = {
        name: "b",
        state: "quarantined",
        generation: 1,
        critical: true,
        since: 0,
      } as const;
      it.site.plane.follow({
        type: "serviceChanged",
        from: "stopping",
        snapshot: { ...quarantined, failures: 5 },
      });
      assert.match(await other, /^503 .*not ready.*"b"/);
      it.site.open("a", () => new Response("from a"));
      assert.equal(await it.ask("/"), "200 from a");
    },
  },
  {
    name: "who waits when the group stops is refused with Connection: close, as is who comes then",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/" });
      const wires = await Promise.all([openWire({ port: it.port }), openWire({ port: it.port })]);
      wires[0].send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      wires[1].send("GET / HTTP/1.1\r\n");
      await sleep(50);
      await it.site.plane.stopping(30_000);
      wires[1].send("Host: a\r\n\r\n");
      for (const wire of wires) {
        const answer = (await wire.until("not ready")).toLowerCase();
        assert.match(answer, /^http\/1\.1 503 /);
        assert.match(answer, /connection: close/);
        wire.destroy();
      }
    },
  },
  {
    name: "a client that goes away while it waits never reaches the service",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/" });
      const wire = await openWire({ port: it.port });
      wire.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
      const early = it.ask("/here");
      await sleep(50);
      wire.destroy();
      await sleep(100);
      const seen: string[] = [];
      it.site.open("a", (request) => {
        seen.push(new URL(request.url).pathname);
        return new Response("here");
      });
      assert.equal(await early, "200 here");
      assert.deepEqual(seen, ["/here"]);
    },
  },
  {
    name: "the idle timeout does not cut who waits",
    async run(runtime) {
      await using it = await openShared(runtime, { a: "/" }, 1_000);
      const early = it.ask("/");
      await sleep(6_000);
      it.site.open("a", () => new Response("late"));
      assert.equal(await early, "200 late");
    },
  },
];

export const httpPassedCases: readonly Case[] = [...everyCase, ...ownCases, ...firstStartCases];

/** One server on a socket that was there before it. */
async function openPassed(runtime: Runtime) {
  const [calls, libc] = [await callsOf(), await libcOf()];
  const { descriptor, port } = await openSocket(runtime, calls, libc);
  let asked = 0;
  const server = withPassedSockets(runtime, { web: [descriptor] }, calls).prepareServer({
    address: { tag: "systemd", name: "web" },
    idleTimeout: 10_000,
    fetch: () => new Response(`answer ${++asked}.`),
  })();
  return {
    async client() {
      const wire = await openWire({ port });
      return {
        async ask() {
          wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
          await wire.until(`answer ${asked + 1}.`);
        },
        end: () => wire.destroy(),
      };
    },
    /** `took`: after how many milliseconds it was done. */
    quiesce(longestMs = 1_000) {
      const began = performance.now();
      const seen: { took?: number } = {};
      const done = server.quiesce?.(longestMs).then(() => {
        seen.took = performance.now() - began;
      });
      return Object.assign(seen, { done });
    },
    async [Symbol.asyncDispose]() {
      await server.kill();
      libc.dup2(2, descriptor);
    },
  };
}

/** Services on one socket that was there before them, by their paths. */
async function openShared(
  runtime: Runtime,
  paths: Record<string, string>,
  idleTimeout = 60_000,
): Promise<
  AsyncDisposable & { site: Site; port: number; ask(path: string, init?: RequestInit): Promise<string> }
> {
  const [calls, libc] = [await callsOf(), await libcOf()];
  const { descriptor, port } = await openSocket(runtime, calls, libc);
  const address = { tag: "systemd", name: "web" } as const;
  const plans = Object.entries(paths).map(([name, path]) => [
    name,
    { address, path, limits: { idleTimeout } },
  ]);
  const passed = withPassedSockets(runtime, { web: [descriptor] }, calls);
  const site = await openSite(passed, Object.fromEntries(plans));
  return {
    site,
    port,
    async ask(path, init) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return `${response.status} ${await response.text()}`;
    },
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]();
      libc.dup2(2, descriptor);
    },
  };
}

/** What is said of a socket, and its hint. */
async function refusalOf(
  runtime: Runtime,
  name: string,
  at?: Exclude<Address, { tag: "systemd" }>,
): Promise<string> {
  const address = { tag: "systemd", name, ...(at ? { at } : {}) } as const;
  const error: unknown = await openSite(runtime, { web: { address } }).catch((thrown) => thrown);
  assert.ok(error instanceof ProblemsError, String(error));
  const [problem] = error.problems;
  assert.equal(problem?.code, "SOCKET_NOT_PASSED");
  assert.match(problem?.message ?? "", new RegExp(`^Cannot listen on systemd:${name} for service "web": `));
  return `${problem?.message} ${problem?.hint}`;
}

/** What systemd does before it starts us: a socket that listens, under a number of its own. */
async function openSocket(runtime: Runtime, calls: SystemCalls, libc: Libc) {
  const address = { tag: "tcp", host: "127.0.0.1", port: 0 } as const;
  const server = runtime.prepareServer({ address, idleTimeout: 1_000, fetch: () => new Response() })();
  const descriptor = libc.fcntl(listeningOn(server.address, calls), duplicate, firstOwn);
  const { port } = server.address as Extract<Address, { tag: "tcp" }>;
  await server.kill();
  return { descriptor, port };
}

const duplicate = 0; // F_DUPFD
const firstOwn = 200;

async function callsOf(): Promise<SystemCalls> {
  const calls = await openSystemCalls();
  if (!calls) throw new Error("no system calls here");
  return calls;
}

async function libcOf(): Promise<Libc> {
  const { openLibc } =
    process.versions.bun === undefined
      ? await import("../../src/runtime/native-deno.ts")
      : await import("../../src/runtime/native-bun.ts");
  return openLibc();
}

function passing(runtime: Runtime, calls: SystemCalls, libc: Libc): Runtime {
  return {
    ...runtime,
    prepareServer(options) {
      const { address } = options;
      if (address.tag !== "tcp") return runtime.prepareServer(options);
      const open = runtime.prepareServer({ ...options, fetch: () => new Response() });
      return () => {
        const first = open();
        const descriptor = libc.fcntl(listeningOn(first.address, calls), duplicate, firstOwn);
        void first.kill();
        // Closes the socket in the one way that both runtimes have: standard error takes its number.
        const close = () => void libc.dup2(2, descriptor);
        const passed = withPassedSockets(runtime, { web: [descriptor] }, calls);
        try {
          const server = passed.prepareServer({ ...options, address: { tag: "systemd", name: "web" } })();
          return closingToo(server, close);
        } catch (error) {
          close();
          throw error;
        }
      };
    },
  };
}

/** Nobody takes over here: with the server its socket is gone. */
function closingToo(server: NativeServer, close: () => void): NativeServer {
  const { stop, kill } = server;
  // Or connections that come after the stop has begun would wait for the next process, and there is none.
  delete server.quiesce;
  return Object.assign(server, {
    stop() {
      close();
      return stop();
    },
    kill() {
      close();
      return kill();
    },
  });
}
