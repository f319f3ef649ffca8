import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { RawConnection } from "../support/raw-http.ts";
import { openConnection } from "../support/raw-http.ts";
import type { System } from "../support/system.ts";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
/** A second signal within this time is taken for an echo of the first. */
const echoMs = 100;
const head = "name: test\nadmin: { listen: 127.0.0.1:0 }\n";

describeTargets("the stop", (target) => {
  test(
    "loses none of 200 requests in flight, stops in exact reverse order, exits 0",
    async () => {
      const names = ["first", "second", "third", "fourth"];
      const each = 50;
      const services = names.map(
        (name, index) => `
  ${name}:
    module: ${fixtures}/slow.ts
    config: { ms: 500, expect: ${each} }
    http: { port: 0 }${index === 0 ? "" : `\n    depends_on: [${names[index - 1]}]`}`,
      );
      await using system = startSystem(target, `${head}services:${services.join("")}\n`);
      await system.ready();

      using connections = disposables<RawConnection>();
      const open: { name: string; connection: RawConnection }[] = [];
      for (const name of names) {
        const url = await system.url(name);
        for (let index = 0; index < each; index++) {
          const connection = connections.add(await openConnection(url));
          // Every second one has been used before: kept alive, as those of a load balancer are.
          if (index % 2 === 0) expect((await connection.get("/fast")).status).toBe(200);
          open.push({ name, connection });
        }
      }
      const asked = open.map(({ connection }) => settled(connection.get("/")));
      await Promise.all(names.map((name) => recordOf(system, name, "all in flight")));
      const { code, elapsedMs } = await system.stop();
      const answers = await Promise.allSettled(asked);

      const lost = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => `${reason}`);
      expect(lost).toEqual([]);
      const said = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
      expect(said.filter(({ status }) => status !== 200)).toEqual([]);
      expect(said.map(({ body }) => body)).toEqual(open.map(({ name }) => name));
      expect(code).toBe(0);
      expect(stopsOf(system)).toEqual([...names].reverse().map((name) => `${name} stopped`));
      const { outcome, durationMs, budgetMs } = system.report();
      expect(outcome).toBe("clean");
      expect(durationMs).toBeLessThan(budgetMs);
      console.log(`${target.name}: 200 requests of 500 ms, from SIGTERM to the exit ${elapsedMs} ms`);
    },
    slow,
  );

  test(
    "loses no request of clients that keep sending until they are told Connection: close",
    async () => {
      const yaml = `${head}services:
  one: { module: ${fixtures}/slow.ts, config: { ms: 5 }, http: { port: 0 } }
  two: { module: ${fixtures}/slow.ts, config: { ms: 3 }, http: { port: 0 } }
`;
      // Whether a request is on its way in the very moment of the stop is luck: so more than once.
      for (let round = 0; round < 5; round++) {
        await using system = startSystem(target, yaml);
        await system.ready();
        const urls = [await system.url("one"), await system.url("two")];
        const clients = urls.flatMap((url) => Array.from({ length: 40 }, () => settled(sendUntilTold(url))));
        await Bun.sleep(200);
        expect((await system.stop()).code).toBe(0);
        const ends = await Promise.allSettled(clients);
        expect(ends.filter(({ status }) => status === "rejected")).toEqual([]);
      }
    },
    slow,
  );

  test(
    "answers requests of a service whose turn has not come, and says Connection: close",
    async () => {
      const yaml = `${head}services:
  early: { module: ${fixtures}/slow.ts, config: { ms: 10 }, http: { port: 0 } }
  late: { module: ${fixtures}/slow.ts, config: { ms: 600, expect: 1 }, http: { port: 0 }, depends_on: [early] }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      using busy = await openConnection(await system.url("late"));
      const slowAnswer = settled(busy.get("/"));
      await recordOf(system, "late", "all in flight");
      const ending = system.stop();
      await system.record((line) => line.msg.startsWith("stopping"));
      using other = await openConnection(await system.url("early"));
      const { status, headers } = await other.get("/");
      expect({ status, connection: headers.connection }).toEqual({ status: 200, connection: "close" });
      expect((await slowAnswer).status).toBe(200);
      expect((await ending).code).toBe(0);
    },
    slow,
  );

  test(
    "is not ready but serves while shutdown.delay lasts",
    async () => {
      const yaml = `${head}shutdown: { delay: 500ms }
services:
  api: { module: ${fixtures}/plain.ts, http: { port: 0 } }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      const [admin, api] = [await system.url(), await system.url("api")];
      expect((await fetch(`${admin}/readyz`)).status).toBe(200);
      const ending = system.stop();
      await system.record((line) => line.msg.startsWith("stopping"));
      const readyz = await until(
        () => fetch(`${admin}/readyz?verbose`),
        (response) => response.status === 503,
      );
      expect(await readyz.text()).toMatch(/stopping .*SIGTERM/);
      expect((await fetch(api)).status).toBe(200);
      expect((await ending).code).toBe(0);
      expect(system.report().durationMs).toBeGreaterThanOrEqual(500);
    },
    slow,
  );

  test(
    "gives the others their turn while one stop hangs and streams are open, and names them",
    async () => {
      const yaml = `${head}shutdown: { timeout: 8s, streams_timeout: 300ms }
services:
  first: { module: ${fixtures}/plain.ts }
  live: { module: ${fixtures}/streams.ts, http: { port: 0 }, depends_on: [first] }
  stuck: { module: ${fixtures}/hangs.ts, config: { stop: true }, stop_timeout: 400ms, depends_on: [live] }
  last: { module: ${fixtures}/plain.ts, depends_on: [stuck] }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      const live = await system.url("live");
      const stream = await fetch(`${live}/events`);
      const socket = new WebSocket(`${live.replace("http", "ws")}/socket`);
      await once(socket, "open");
      const closed = once(socket, "close");
      const streamed = stream.text();
      const { code } = await system.stop();
      expect((await closed)[0].code).toBe(1001);
      expect(await streamed).toStartWith("data: first\n\n");
      expect(code).toBe(75);
      expect(stopsOf(system)).toEqual(["last stopped", "stuck abandoned", "live stopped", "first stopped"]);
      const { outcome, services, durationMs, budgetMs } = system.report();
      expect(outcome).toBe("forced");
      expect(services[1]?.held?.hooks).toEqual(["stop"]);
      expect(services[2]?.ended).toEqual({ streams: 1, websockets: 1 });
      expect(services.map(({ ended }) => ended !== undefined)).toEqual([false, false, true, false]);
      expect(system.process.stderr).toContain("after ending 1 stream, 1 websocket");
      expect(durationMs).toBeLessThan(budgetMs);
      expect(system.process.stderr).toContain("still holding stop()");
      for (const name of ["first", "last"]) expect(messagesOf(system, name)).toContain("stopped");
    },
    slow,
  );

  test(
    "cuts the stream of a client that has stopped reading, reports it and exits 0",
    async () => {
      const yaml = `${head}shutdown: { timeout: 8s, streams_timeout: 300ms }
services:
  flood: { module: ${fixtures}/flood.ts, http: { port: 0 } }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      const { hostname, port } = new URL(await system.url("flood"));
      const socket = connect(Number(port), hostname).on("error", () => {});
      socket.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
      await once(socket, "data");
      socket.pause();
      await recordOf(system, "flood", "the client does not read");
      const { code } = await system.stop();
      socket.destroy();
      expect(code).toBe(0);
      expect(stopsOf(system)).toEqual(["flood stopped"]);
      expect(system.report().services[0]?.held?.streams).toBe(1);
    },
    slow,
  );

  test(
    "closes the WebSocket of a client that never answers the close, and exits 0",
    async () => {
      const yaml = `${head}shutdown: { timeout: 8s, streams_timeout: 300ms }
services:
  live: { module: ${fixtures}/streams.ts, http: { port: 0 } }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      const { hostname, port } = new URL(await system.url("live"));
      const socket = connect(Number(port), hostname).on("error", () => {});
      const handshake = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
      const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
      socket.write(["GET /socket HTTP/1.1", "Host: test", ...handshake, key, "", ""].join("\r\n"));
      const [answer] = await once(socket, "data");
      expect(`${answer}`).toStartWith("HTTP/1.1 101 ");
      const frame = once(socket, "data");
      const { code } = await system.stop();
      const [bytes] = (await frame) as [Buffer];
      socket.destroy();
      // A close frame: opcode 8, then its length, then the code.
      expect({ opcode: bytes[0], code: bytes.readUInt16BE(2) }).toEqual({ opcode: 0x88, code: 1001 });
      expect(code).toBe(0);
      expect(stopsOf(system)).toEqual(["live stopped"]);
    },
    slow,
  );

  test(
    "a second SIGINT exits 130 at once and says who was left, a second SIGTERM 143",
    async () => {
      const yaml = `${head}services:
  first: { module: ${fixtures}/plain.ts }
  stuck: { module: ${fixtures}/hangs.ts, config: { stop: true }, depends_on: [first] }
`;
      for (const [signal, expected] of [
        ["SIGINT", 130],
        ["SIGTERM", 143],
      ] as const) {
        await using system = startSystem(target, yaml);
        await system.ready();
        system.process.signal(signal);
        await recordOf(system, "stuck", "stop was called");
        await Bun.sleep(2 * echoMs);
        const { code } = await system.stop(signal);
        expect(code).toBe(expected);
        expect(system.process.stderr).toMatch(
          new RegExp(`second ${signal}: exit at once, leaving first \\(ready\\), stuck \\(stopping\\)`),
        );
        expect(stopsOf(system)).toEqual(["stuck abandoned", "first abandoned"]);
        const { cause, outcome, services } = system.report();
        expect({ cause, outcome }).toEqual({ cause: { tag: "signal", signal }, outcome: "forced" });
        expect(services[0]?.held?.hooks).toEqual(["stop"]);
      }
    },
    slow,
  );

  test(
    "a second signal does not wait long for the reader of the stop report",
    async () => {
      const yaml = `${head}services:
  stuck: { module: ${fixtures}/hangs.ts, config: { stop: true } }
`;
      using folder = tempDir();
      const pipe = join(folder.path, "pipe");
      spawnSync("mkfifo", [pipe]);
      await using system = startSystem(target, yaml, { args: ["--stop-report", pipe] });
      await system.ready();
      system.process.signal("SIGTERM");
      await recordOf(system, "stuck", "stop was called");
      await Bun.sleep(2 * echoMs);
      const { code, elapsedMs } = await system.stop();
      expect(code).toBe(143);
      expect(elapsedMs).toBeLessThan(1_500);
      expect(system.process.stderr).toContain(`cannot write the stop report to ${pipe}`);
    },
    slow,
  );

  test(
    "the same signal again at once is an echo, and forces nothing",
    async () => {
      const yaml = `${head}services:
  stuck: { module: ${fixtures}/hangs.ts, config: { stop: true }, stop_timeout: 300ms }
`;
      await using system = startSystem(target, yaml);
      await system.ready();
      system.process.signal("SIGINT");
      await recordOf(system, "stuck", "stop was called");
      // Its deadline ends it, with a report; the second signal would have ended it without.
      expect((await system.stop("SIGINT")).code).toBe(75);
      expect(stopsOf(system)).toEqual(["stuck abandoned"]);
    },
    slow,
  );

  test(
    "after a restart whose old generation never ended: says so, names it and exits 75",
    async () => {
      const module = `export default (ctx) => ({
  run: () => ctx.generation === 1 ? Promise.reject(new Error("boom")) : new Promise((done) => ctx.signal.onabort = done),
  stop: () => ctx.generation === 1 ? new Promise(() => {}) : undefined,
});
`;
      const yaml = `${head}services:
  flaky: { module: ./flaky.ts, stop_timeout: 300ms, restart: { backoff: { min: 10ms, max: 10ms } } }
`;
      await using system = startSystem(target, yaml, { files: { "flaky.ts": module } });
      await system.record(
        ({ service, generation, msg }) => service === "flaky" && generation === 2 && msg === "ready",
      );
      expect(system.process.stderr).toContain(
        "abandoned: it did not stop within 300ms, still holding stop()",
      );
      expect((await system.stop()).code).toBe(75);
      const { outcome, services } = system.report();
      expect(outcome).toBe("forced");
      expect(services).toMatchObject([
        {
          service: "flaky",
          generation: 2,
          outcome: "stopped",
          leftBehind: [{ generation: 1, held: { hooks: ["stop"] } }],
        },
      ]);
      expect(system.process.stderr).not.toContain("stopped in order");
      expect(system.process.stderr).toContain("cut off: flaky (generation 1)");
    },
    slow,
  );

  test(
    "during the start: what has started is stopped, the rest never starts",
    async () => {
      const yaml = `${head}shutdown: { timeout: 4s }
services:
  first: { module: ${fixtures}/plain.ts }
  stuck: { module: ${fixtures}/hangs.ts, config: { start: true }, stop_timeout: 400ms, depends_on: [first] }
  never: { module: ${fixtures}/plain.ts, depends_on: [stuck] }
`;
      await using system = startSystem(target, yaml);
      await recordOf(system, "stuck", "start was called");
      const { code } = await system.stop();
      expect(stopsOf(system)).toEqual(["never unstarted", "stuck abandoned", "first stopped"]);
      expect(system.report().services[1]?.held?.hooks).toContain("start");
      expect(messagesOf(system, "never")).not.toContain("started");
      expect(code).toBe(75);
    },
    slow,
  );

  test(
    "while modules are loading: exits 0, says so and leaves no socket behind",
    async () => {
      const yaml = `name: test
admin: { listen: unix:./admin.sock }
services:
  slow: { module: ./slow.ts }
`;
      const files = {
        "slow.ts": "await new Promise((done) => setTimeout(done, 20_000));\nexport default { start() {} };\n",
      };
      await using system = startSystem(target, yaml, { files });
      const socket = join(system.folder.path, "admin.sock");
      await until(
        async () => existsSync(socket),
        (there) => there,
      );
      expect(existsSync(socket)).toBe(true);
      expect((await system.stop()).code).toBe(0);
      expect(system.process.stderr).toContain("SIGTERM");
      expect(existsSync(socket)).toBe(false);
    },
    slow,
  );
});

function recordOf(system: System, service: string, msg: string) {
  return system.record((line) => line.service === service && line.msg === msg);
}

function messagesOf(system: System, service: string): string[] {
  return system.log.filter((line) => line.service === service).map((line) => line.msg);
}

function stopsOf(system: System): string[] {
  return system.report().services.map((stop) => `${stop.service} ${stop.outcome}`);
}

/** One request after the other over one connection; rejects when one of them gets no answer. */
async function sendUntilTold(url: string): Promise<void> {
  using connection = await openConnection(url);
  for (;;) {
    const { status, headers } = await connection.get("/");
    if (status !== 200) throw new Error(`status ${status}`);
    if (headers.connection === "close") return;
  }
}

/** Keeps an early rejection from being reported as unhandled; it is still one for who awaits it. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function disposables<T extends Disposable>(): Disposable & { add(one: T): T } {
  const all: T[] = [];
  return {
    add(one) {
      all.push(one);
      return one;
    },
    [Symbol.dispose]() {
      for (const one of all) one[Symbol.dispose]();
    },
  };
}
