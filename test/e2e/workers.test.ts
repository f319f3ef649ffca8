import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { testUnsealed } from "../support/sealed-suite.ts";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
const module = `module: ${fixtures}/isolated.ts, http: { port: 0 }`;

/** `worker` and `neighbour` run the same module, one of them in threads of its own. */
function start(target: Target, keys = "", head = ""): System {
  return startSystem(
    target,
    `name: workers
admin: { listen: 127.0.0.1:0 }
${head}
services:
  neighbour: { ${module}, env: { REGION: eu }, config: { bye: x } }
  worker: { ${module}, env: { REGION: eu }, config: { bye: x }, isolation: worker${keys && `, ${keys}`} }
`,
  );
}

const quick = "restart: { backoff: { min: 1ms, max: 5ms } }";
const impatient = `${quick}, health: { timeout: 200ms, failures: 3 }`;

describeTargets("a service with isolation: worker", (target) => {
  test(
    "answers as it does inline: status, headers, bodies, errors, calls to others",
    async () => {
      await using system = start(target);
      await system.ready();
      const inline = await system.url("neighbour");
      const worker = await system.url("worker");
      const asks: [path: string, init?: RequestInit][] = [
        ["/seen?a=1&b=%20", { headers: { "x-test": "1" } }],
        ["/seen", { method: "PUT", body: "short", headers: { "x-request-id": "mine" } }],
        ["/echo", { method: "POST", body: "" }],
        ["/echo", { method: "POST", body: randomBytes(70_000) }],
        ["/unread", { method: "POST", body: randomBytes(500_000) }],
        ["/cookies"],
        ["/empty"],
        ["/unchanged"],
        ["/redirect"],
        ["/text"],
        ["/text", { method: "HEAD" }],
        ["/throws", { headers: { "x-request-id": "known" } }],
        ["/wrong", { headers: { "x-request-id": "known" } }],
        ["/nobody", { headers: { "x-request-id": "known" } }],
        ["/neighbour"],
        ["/none"],
      ];
      for (const [path, init] of asks) {
        const expected = await told(inline + path, init);
        expect({ path, ...(await told(worker + path, init)) }).toEqual({ path, ...expected });
      }
      expect(
        await system.record((line) => line.msg === "request failed" && line.service === "worker"),
      ).toMatchObject({
        error: { name: "TypeError", message: "no such thing" },
      });
    },
    slow,
  );

  test(
    "carries large bodies both ways unharmed",
    async () => {
      await using system = start(target);
      await system.ready();
      const bytes = randomBytes(8_000_000);
      const response = await fetch(`${await system.url("worker")}/echo`, { method: "POST", body: bytes });
      expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), bytes)).toBe(0);
      const large = await fetch(`${await system.url("worker")}/echo`, {
        method: "POST",
        body: randomBytes(17 * 1_048_576),
      });
      expect(large.status).toBe(413);
    },
    slow,
  );

  test(
    "logs as it does inline, with service and generation",
    async () => {
      await using system = start(target);
      await system.ready();
      const line = await system.record((line) => line.service === "worker" && line.msg === "started");
      expect(line).toMatchObject({ generation: 1, level: "info", password: "***" });
      expect(line.error).toMatchObject({ name: "Error", message: "kept whole" });
      expect(
        await system.record((line) => line.msg === "said by console" && line.service === "worker"),
      ).toMatchObject({
        generation: 1,
      });
      expect((await system.stop()).code).toBe(0);
      const messages = system.log.filter((line) => line.service === "worker").map((line) => line.msg);
      expect(messages.slice(-3)).toEqual(["stop called", "deferred", expect.stringMatching(/^stopped/)]);
      expect(
        system.log.find((line) => line.msg === "stop called" && line.service === "worker"),
      ).toMatchObject({
        inTime: true,
        aborted: true,
      });
    },
    slow,
  );

  test(
    "learns that its client has gone, in a request and in a stream",
    async () => {
      await using system = start(target);
      await system.ready();
      const url = await system.url("worker");
      const aborter = new AbortController();
      const waiting = fetch(`${url}/waits`, { signal: aborter.signal }).catch(() => {});
      await system.record((line) => line.msg === "waits");
      aborter.abort();
      await waiting;
      await system.record((line) => line.msg === "client gone" && line.service === "worker");
      const stream = new AbortController();
      const response = await fetch(`${url}/events`, { signal: stream.signal });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toContain("data: 0");
      stream.abort();
      await reader.read().catch(() => {});
      await system.record((line) => line.msg === "events cancelled");
      expect(system.log.filter((line) => line.level === "warn")).toEqual([]);
    },
    slow,
  );

  test(
    "has WebSockets: text, bytes, close codes both ways, and 1001 when it drains",
    async () => {
      await using system = start(target);
      await system.ready();
      const url = `${(await system.url("worker")).replace("http", "ws")}/socket`;
      const first = await openSocket(url);
      first.socket.send("a");
      expect(await first.next()).toBe("text a");
      first.socket.send(new Uint8Array([1, 2, 255]));
      expect(await first.next()).toEqual(new Uint8Array([1, 2, 255]));
      first.socket.send("close");
      expect(await first.closed).toMatchObject({ code: 4_002, reason: "as asked" });
      const second = await openSocket(url);
      second.socket.close(4_001);
      await system.record((line) => line.msg === "socket closed" && line.code === 4_001);
      const third = await openSocket(url);
      expect((await system.stop()).code).toBe(0);
      expect((await third.closed).code).toBe(1_001);
      expect(system.report().outcome).toBe("clean");
    },
    slow,
  );

  test(
    "spreads requests over its instances",
    async () => {
      await using system = start(target, "instances: 3");
      await system.ready();
      const url = await system.url("worker");
      const counts = new Map<string, number>();
      const one = async () => {
        const { instance } = (await (await fetch(`${url}/burn`)).json()) as { instance: string };
        counts.set(instance, (counts.get(instance) ?? 0) + 1);
      };
      await Promise.all(Array.from({ length: 15 }, one));
      expect([...counts.keys()].sort()).toEqual(["1", "2", "3"]);
      for (const count of counts.values()) expect(count).toBe(5);
    },
    slow,
  );

  test(
    "loses none of 100 requests in flight when the process is told to stop",
    async () => {
      await using system = start(target, "instances: 2");
      await system.ready();
      const url = await system.url("worker");
      const asked = Array.from({ length: 100 }, () => told(`${url}/slow`));
      await Bun.sleep(150);
      const { code } = await system.stop();
      const answers = await Promise.all(asked);
      expect(answers.filter(({ status, body }) => status !== 200 || body !== "slow")).toEqual([]);
      expect(code).toBe(0);
      expect(system.report().outcome).toBe("clean");
    },
    slow,
  );

  test(
    "a busy loop ends only its thread: neighbours and /livez do not notice, it comes back",
    async () => {
      await using system = start(target, impatient);
      await system.ready();
      const url = await system.url("worker");
      const neighbour = await system.url("neighbour");
      const looping = fetch(`${url}/loop`);
      const since = performance.now();
      for (let asked = 0; asked < 20; asked++) expect((await fetch(`${neighbour}/text`)).status).toBe(200);
      expect((await fetch(`${await system.url()}/livez`)).status).toBe(200);
      expect((await looping).status).toBe(503);
      expect(performance.now() - since).toBeLessThan(3_000);
      expect(await system.record((line) => line.msg.startsWith("failed:"))).toMatchObject({
        service: "worker",
        error: { code: "WORKER_FROZEN" },
      });
      expect(
        await until(
          () => generation(url),
          (found) => found === 2,
        ),
      ).toBe(2);
      expect(await generation(neighbour)).toBe(1);
    },
    slow,
  );

  test(
    "a busy loop in stop() is ended at its deadline, and the neighbour has its time",
    async () => {
      const head = "shutdown: { timeout: 5s }";
      await using system = startSystem(
        target,
        `${head}
services:
  neighbour: { ${module} }
  worker: { ${module}, isolation: worker, config: { hang: true }, stop_timeout: 500ms, depends_on: [neighbour] }
`,
      );
      await system.ready();
      const { code, elapsedMs } = await system.stop();
      expect(code).toBe(75);
      expect(elapsedMs).toBeLessThan(2_500);
      const [worker, neighbour] = system.report().services;
      expect(worker).toMatchObject({ service: "worker", outcome: "abandoned", held: { hooks: ["stop"] } });
      expect(neighbour).toMatchObject({ service: "neighbour", outcome: "stopped" });
    },
    slow,
  );

  test.each([
    ["/uncaught", { message: "nobody catches this" }],
    ["/rejects", { message: "nobody handles this" }],
    [
      "/exit",
      { code: "WORKER_EXITED", message: 'The thread of service "worker" has ended with exit code 7' },
    ],
  ])(
    "%s fails that service alone",
    async (path, error) => {
      await using system = start(target, quick);
      await system.ready();
      const url = await system.url("worker");
      await fetch(url + path).catch(() => {});
      const failed = await system.record((line) => line.msg.startsWith("failed:"));
      expect(failed).toMatchObject({ service: "worker", generation: 1, error });
      expect(
        await until(
          () => generation(url),
          (found) => found === 2,
        ),
      ).toBe(2);
      expect(await generation(await system.url("neighbour"))).toBe(1);
      expect(system.log.filter((line) => line.level === "error")).toEqual([]);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "a leak above memory ends the thread, not the process",
    async () => {
      await using system = start(target, `${quick}, memory: 96MiB`);
      await system.ready();
      const url = await system.url("worker");
      expect((await fetch(`${url}/leak`)).status).toBe(503);
      expect(await system.record((line) => line.msg.startsWith("failed:"))).toMatchObject({
        service: "worker",
        error: { code: "WORKER_OUT_OF_MEMORY" },
      });
      expect(
        await until(
          () => generation(url),
          (found) => found === 2,
        ),
      ).toBe(2);
      expect(await generation(await system.url("neighbour"))).toBe(1);
    },
    slow,
  );

  test(
    "one of several threads that fails is replaced alone; the second soon after fails the service",
    async () => {
      await using system = start(target, `instances: 2, ${quick}`);
      await system.ready();
      const url = await system.url("worker");
      expect((await fetch(`${url}/exit`)).status).toBe(503);
      await system.record((line) => line.msg.includes("is replaced") && line.service === "worker");
      for (let asked = 0; asked < 20; asked++) expect(await generation(url)).toBe(1);
      await fetch(`${url}/exit`);
      expect(
        await until(
          () => generation(url),
          (found) => found === 2,
        ),
      ).toBe(2);
    },
    slow,
  );

  testUnsealed(target, "build")(
    "what is wrong with its module or config is told before anything starts",
    async () => {
      const files = {
        "throws.ts": `throw new Error("at the top");`,
        "none.ts": "export const x = 1;",
        "loops.ts": "for (;;);\nexport default {};",
      };
      await using system = startSystem(
        target,
        `services:
  fine: { ${module} }
  throws: { module: ./throws.ts, isolation: worker }
  none: { module: ./none.ts, isolation: worker }
  loops: { module: ./loops.ts, isolation: worker, start_timeout: 500ms }
`,
        { files },
      );
      expect((await system.process.exit).code).toBe(78);
      for (const text of [
        "throws.ts:1",
        "MODULE_THREW",
        "at the top",
        "services.yaml:4",
        "NOT_A_SERVICE",
        "MODULE_TIMEOUT",
      ]) {
        expect(system.process.stderr).toContain(text);
      }
      expect(system.log.filter((line) => line.msg === "started")).toEqual([]);
    },
    slow,
  );
});

/** An answer with all that a client can see of it, but for what differs every time. */
async function told(url: string, init: RequestInit = {}) {
  const response = await fetch(url, { redirect: "manual", ...init });
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !changing.has(name)));
  const requestId = headers["x-request-id"];
  if (requestId?.length === 36) headers["x-request-id"] = "any";
  return {
    status: response.status,
    headers,
    cookies: response.headers.getSetCookie(),
    body: await response.text(),
  };
}

/** Whether a connection is kept after a body that nobody has read is up to the runtime. */
const changing: ReadonlySet<string> = new Set(["date", "connection"]);

async function generation(url: string): Promise<number | undefined> {
  const response = await fetch(url);
  return response.ok ? ((await response.json()) as { generation: number }).generation : undefined;
}

async function openSocket(url: string) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const received: (string | Uint8Array)[] = [];
  socket.onmessage = ({ data }) => {
    received.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  };
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return {
    socket,
    closed,
    next: () =>
      until(
        async () => received.shift(),
        (message) => message !== undefined,
      ),
  };
}
