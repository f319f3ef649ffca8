import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { FetchLink, FetchLinkOptions } from "../../src/host/fetch-link.ts";
import { createFetchLink } from "../../src/host/fetch-link.ts";
import type { FetchMessage } from "../../src/host/worker-protocol.ts";
import type { RequestEnv } from "../../src/service/contract.ts";
import type { IntakeEnv } from "../../src/service/intake.ts";

type Serve = (request: Request, env: RequestEnv, about: string | null) => Response | Promise<Response>;

interface Pair {
  readonly main: FetchLink;
  readonly thread: FetchLink;
  /** Everything that crossed, in order, as `main tag` or `thread tag` of the sender. */
  readonly crossed: string[];
  /** Ends the thread: nothing crosses any more. */
  cut(): void;
}

/** Two links with a port between them that copies, as the real one does. */
function pair(serve: Serve, serveMain: Serve = () => new Response("main")): Pair {
  const crossed: string[] = [];
  let isCut = false;
  const side = (parity: 0 | 1, serves: FetchLinkOptions["serve"], other: () => FetchLink): FetchLink =>
    createFetchLink({
      parity,
      serve: serves,
      post(message) {
        crossed.push(`${parity === 0 ? "main" : "thread"} ${message[0]}`);
        const copy = structuredClone(message) as FetchMessage;
        setImmediate(() => isCut || other().take(copy));
      },
    });
  const main: FetchLink = side(0, serveMain, () => thread);
  const thread: FetchLink = side(1, serve, () => main);
  return {
    main,
    thread,
    crossed,
    cut() {
      isCut = true;
      main.close(() => new Response("gone", { status: 503 }));
    },
  };
}

function network(): IntakeEnv {
  return {
    requestId: "unset",
    clientAddress: "10.0.0.1",
    isNetwork: true,
    whenGone() {},
    remoteAddr: { hostname: "10.0.0.1", port: 5 },
    upgradeWebSocket() {
      throw new TypeError("not asked for");
    },
  };
}

const get = (path = "/", init?: RequestInit) => new Request(`http://h${path}`, init);
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A stream that gives `chunk` whenever it is asked, and counts how often. */
function endless(chunk: Uint8Array<ArrayBuffer>) {
  const seen = { pulls: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulls++;
        controller.enqueue(chunk);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

describe("FetchLink", () => {
  test("call() carries method, URL, headers and a short body in one message each way", async () => {
    const { main, crossed } = pair(async (request) => {
      const { method, url } = request;
      return Response.json({ method, url, x: request.headers.get("x-a"), body: await request.text() });
    });
    const response = await main.call(
      get("/a?b=1", { method: "PUT", body: "hello", headers: { "x-a": "ü" } }),
      "",
    );
    expect(await response.json()).toEqual({ method: "PUT", url: "http://h/a?b=1", x: "ü", body: "hello" });
    expect(crossed).toEqual(["main request", "thread response"]);
  });

  test("call() keeps status, status text, and every set-cookie apart", async () => {
    const { main } = pair(() => {
      const headers = new Headers({ "content-type": "text/x" });
      headers.append("set-cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
      headers.append("set-cookie", "b=2");
      return new Response("teapot", { status: 418, statusText: "I am", headers });
    });
    const response = await main.call(get(), "");
    expect([response.status, response.statusText]).toEqual([418, "I am"]);
    expect(response.headers.getSetCookie()).toEqual(["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"]);
    expect(response.headers.get("content-type")).toBe("text/x");
  });

  test.each([204, 304])("call() answers %d without a body", async (status) => {
    const { main } = pair(() => new Response(null, { status }));
    const response = await main.call(get(), "");
    expect(response.status).toBe(status);
    expect(response.body).toBeNull();
  });

  test("call() keeps bytes as they are, whole and in chunks", async () => {
    const { main } = pair(async (request) => new Response(request.body));
    for (const size of [1, 300, 20_000, 65_536, 65_537, 3_000_000]) {
      const bytes = new Uint8Array(randomBytes(size));
      const response = await main.call(get("/", { method: "POST", body: bytes }), "");
      expect(Buffer.compare(new Uint8Array(await response.arrayBuffer()), bytes)).toBe(0);
    }
    expect(main.busy).toBe(0);
  });

  test("a streamed response is produced only as far as it is read", async () => {
    const source = endless(new Uint8Array(10_000));
    const { main } = pair(() => new Response(source.stream));
    const response = await main.call(get(), "");
    await settle();
    const before = source.seen.pulls;
    expect(before).toBeLessThan(10);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await settle();
    expect(source.seen.pulls).toBeLessThan(before + 10);
    for (let read = 0; read < 50; read++) await reader.read();
    expect(source.seen.pulls).toBeGreaterThan(50);
    await reader.cancel();
    await settle();
    expect(source.seen.cancelled).toBe(true);
    expect(main.busy).toBe(0);
  });

  test("a response whose first byte is late crosses with its headers at once", async () => {
    const late = Promise.withResolvers<void>();
    const { main } = pair(() => {
      const stream = new ReadableStream({
        async pull(controller) {
          await late.promise;
          controller.enqueue("late");
          controller.close();
        },
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    });
    const response = await main.call(get(), "");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    late.resolve();
    expect(await response.text()).toBe("late");
  });

  test("a body that fails half-way breaks on the other side", async () => {
    const { main } = pair(() => {
      let count = 0;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await null;
            if (count++ < 3) controller.enqueue(new Uint8Array(40_000));
            else throw new RangeError("the disk is gone");
          },
        }),
      );
    });
    const response = await main.call(get(), "");
    await expect(response.arrayBuffer()).rejects.toThrow("the disk is gone");
    expect(main.busy).toBe(0);
  });

  test("a request body that nobody reads is not read here either, and is let go", async () => {
    const source = endless(new Uint8Array(50_000));
    const { main } = pair(() => new Response("no, thanks"));
    const response = await main.call(
      get("/", { method: "POST", body: source.stream, duplex: "half" } as RequestInit),
      "",
    );
    expect(await response.text()).toBe("no, thanks");
    await settle();
    expect(source.seen.pulls).toBeLessThan(5);
    expect(source.seen.cancelled).toBe(true);
  });

  test("the abort of a request reaches the service's signal and its body", async () => {
    const seen: string[] = [];
    const { main } = pair(async (request) => {
      request.signal.addEventListener("abort", () => seen.push("signal"));
      await request.arrayBuffer().catch((error: Error) => seen.push(error.name));
      return new Response("too late");
    });
    const aborter = new AbortController();
    const { stream } = endless(new Uint8Array(1_000));
    const init = { method: "POST", body: stream, duplex: "half", signal: aborter.signal };
    const call = main.call(get("/", init as RequestInit), "");
    await settle();
    aborter.abort();
    await call;
    await settle();
    expect(seen.sort()).toEqual(["AbortError", "signal"]);
  });

  test("an error of the service arrives with name, message, stack and cause", async () => {
    class Odd extends Error {
      override readonly name = "Odd";
    }
    const { main } = pair(() => {
      throw new Odd("no", { cause: Object.assign(new Error("root"), { code: "EROOT" }) });
    });
    const error = (await main.call(get(), "").catch((caught) => caught)) as Error;
    expect(error).toMatchObject({ name: "Odd", message: "no", cause: { message: "root", code: "EROOT" } });
    expect(error.stack).toContain("fetch-link.test.ts");
  });

  test("what is no Response is an error that says so", async () => {
    const { main } = pair((() => "text") as unknown as Serve);
    await expect(main.call(get(), "")).rejects.toThrow("fetch returned string, no Response");
  });

  test("the request id crosses back only when the service has read it", async () => {
    const { main } = pair((request, env) => new Response(request.url.endsWith("/read") ? env.requestId : ""));
    const unread = network();
    await main.call(get(), "", unread);
    expect(unread.requestId).toBe("unset");
    const read = network();
    const response = await main.call(get("/read"), "", read);
    expect(read.requestId).toBe(await response.text());
    expect(read.requestId).toHaveLength(36);
  });

  test("env tells the client's address, without one nothing", async () => {
    const { main } = pair((_request, env) => Response.json([env.clientAddress ?? null]));
    expect(await (await main.call(get(), "8080 ::ffff:10.1.2.3")).json()).toEqual(["10.1.2.3"]);
    expect(await (await main.call(get(), "")).json()).toEqual([null]);
  });

  test("calls go the other way too, at the same time, with ids of their own", async () => {
    const both = pair(
      async () => {
        const answer = await both.thread.call(get("/stock"), "store");
        return new Response(`thread+${await answer.text()}`);
      },
      (request, _env, about) => new Response(`${about}${new URL(request.url).pathname}`),
    );
    const answers = await Promise.all([1, 2, 3].map(async () => (await both.main.call(get(), "")).text()));
    expect(answers).toEqual(["thread+store/stock", "thread+store/stock", "thread+store/stock"]);
  });

  test("busy counts calls until the last byte of their response", async () => {
    const answer = Promise.withResolvers<Response>();
    const { main } = pair(() => answer.promise);
    const call = main.call(get(), "");
    expect(main.busy).toBe(1);
    answer.resolve(new Response(new ReadableStream({ pull: (c) => settle().then(() => c.close()) })));
    const response = await call;
    expect(main.busy).toBe(1);
    await response.text();
    expect(main.busy).toBe(0);
  });

  test("close() answers what is open, breaks what streams, and answers whatever comes later", async () => {
    const { main, cut } = pair((request) =>
      request.url.endsWith("/stream")
        ? new Response(endless(new Uint8Array(1_000)).stream)
        : new Promise<Response>(() => {}),
    );
    const streaming = await main.call(get("/stream"), "");
    const waiting = main.call(get(), "");
    cut();
    expect((await waiting).status).toBe(503);
    expect((await main.call(get(), "")).status).toBe(503);
    await expect(streaming.arrayBuffer()).rejects.toThrow("has ended");
    expect(main.busy).toBe(0);
  });
});
