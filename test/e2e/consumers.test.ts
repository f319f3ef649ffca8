import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { testUnsealed } from "../support/sealed-suite.ts";
import type { System } from "../support/system.ts";
import { fixtures, startFile } from "../support/system.ts";
import type { Target } from "../support/targets.ts";
import { describeTargets, runSupervisorCli } from "../support/targets.ts";
import { tempDir } from "../support/temp-dir.ts";
import { until } from "../support/until.ts";

const slow = 60_000;

const yaml = (consume: string, service = "", broker = "sqlite:./queue.db") => `
name: numbers
admin: { listen: "127.0.0.1:0" }
brokers: { main: "${broker}" }
services:
  desk:
    module: ${fixtures}/desk.ts
    http: { port: 0 }
  ledger:
    module: ${fixtures}/ledger.ts
    consume: { queue: numbers${consume} }
${service
  .split("\n")
  .map((line) => `    ${line}\n`)
  .join("")}`;

/** A folder in which one services.yaml is run again and again. */
function shop(target: Target, text: string) {
  const folder = tempDir({ "services.yaml": text });
  const file = join(folder.path, "services.yaml");
  const ledger = join(folder.path, "ledger");
  const written = () => (existsSync(ledger) ? readFileSync(ledger, "utf8").split("\n").slice(0, -1) : []);
  return {
    folder,
    start: () => startFile(target, file, { env: { LEDGER: ledger } }),
    /** The numbers that were written, in their order. */
    written,
    /** Waits until they are `enough`, for some seconds at most. */
    grown: (enough: (lines: readonly string[]) => boolean) => until(async () => written(), enough),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);
const sorted = (lines: readonly string[]) => [...lines].sort((a, b) => Number(a) - Number(b));

async function enqueue(system: System, from: number, count: number): Promise<void> {
  const answer = await fetch(`${await system.url("desk")}/?from=${from}&count=${count}`);
  expect(await answer.json()).toEqual({ enqueued: count });
}

async function stateOf(system: System, service: string): Promise<Record<string, unknown>> {
  const admin = await system.url();
  const status = (await (await fetch(`${admin}/api/v1/status`)).json()) as { services: { name: string }[] };
  return status.services.find(({ name }) => name === service) as Record<string, unknown>;
}

describeTargets("consumers", (target) => {
  const verb = async (system: System, ...args: string[]) => {
    // The control socket is there when the admin listener is.
    await system.url();
    const env = { XDG_RUNTIME_DIR: system.folder.path };
    return runSupervisorCli(target, [...args, "--name", "numbers"], { env });
  };

  test(
    "what is enqueued over HTTP is consumed, and status and metrics tell of it",
    async () => {
      using numbersShop = shop(target, yaml(""));
      await using system = numbersShop.start();
      await system.ready();
      await enqueue(system, 0, 50);
      await numbersShop.grown((lines) => lines.length === 50);
      expect(sorted(numbersShop.written())).toEqual(numbers(50));
      const state = await until(
        () => stateOf(system, "ledger"),
        ({ consumer }) => (consumer as { done?: number } | undefined)?.done === 50,
      );
      expect(state).toMatchObject({ state: "ready", consumer: { received: 50, dead: 0, active: 0 } });
      const metrics = await (await fetch(`${await system.url()}/metrics`)).text();
      expect(metrics).toContain('supervisor_consumer_messages_total{service="ledger",outcome="done"} 50');
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "SIGTERM under load: nothing is lost and nothing is done twice",
    async () => {
      using numbersShop = shop(target, yaml(", concurrency: 20", "config: { takes: 3 }"));
      await using first = numbersShop.start();
      await first.ready();
      await enqueue(first, 0, 2_000);
      await numbersShop.grown((lines) => lines.length > 200);
      expect((await first.stop()).code).toBe(0);
      expect(first.report()).toMatchObject({ outcome: "clean" });
      const before = numbersShop.written().length;
      expect(before).toBeLessThan(2_000);
      await using second = numbersShop.start();
      await second.ready();
      await numbersShop.grown((lines) => lines.length >= 2_000);
      expect((await second.stop()).code).toBe(0);
      expect(sorted(numbersShop.written())).toEqual(numbers(2_000));
    },
    slow,
  );

  test(
    "SIGKILL: nothing is lost",
    async () => {
      using numbersShop = shop(target, yaml(", lease: 2s, concurrency: 20", "config: { takes: 3 }"));
      await using first = numbersShop.start();
      await first.ready();
      await enqueue(first, 0, 1_000);
      await numbersShop.grown((lines) => lines.length > 100);
      first.process.signal("SIGKILL");
      await first.process.exit;
      await using second = numbersShop.start();
      await second.ready();
      const all = new Set(numbers(1_000));
      await numbersShop.grown((lines) => all.isSubsetOf(new Set(lines)));
      expect(all.isSubsetOf(new Set(numbersShop.written()))).toBe(true);
      expect((await second.stop()).code).toBe(0);
    },
    slow,
  );

  test.each([
    ["inline", ""],
    ["in threads", "isolation: worker\ninstances: 2"],
  ])(
    "pause keeps messages waiting, resume lets them through: %s",
    async (_, service) => {
      using numbersShop = shop(target, yaml("", service));
      await using system = numbersShop.start();
      await system.ready();
      expect(await verb(system, "pause", "ledger")).toMatchObject({ code: 0, stderr: "" });
      await enqueue(system, 0, 20);
      await Bun.sleep(500);
      expect(numbersShop.written()).toEqual([]);
      expect(await verb(system, "resume", "ledger")).toMatchObject({ code: 0, stderr: "" });
      await numbersShop.grown((lines) => lines.length === 20);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test.each([
    ["inline", ""],
    ["in a thread", "isolation: worker\n"],
  ])(
    "the stop report has the messages that were cut off, and they come back: %s",
    async (_, isolation) => {
      using numbersShop = shop(
        target,
        yaml(", lease: 1s", `${isolation}stop_timeout: 500ms\nconfig: { takes: 5000 }`),
      );
      await using first = numbersShop.start();
      await first.ready();
      await enqueue(first, 0, 3);
      await until(
        () => stateOf(first, "ledger"),
        ({ consumer }) => (consumer as { active?: number } | undefined)?.active === 3,
      );
      expect((await first.stop()).code).toBe(75);
      const stop = first.report().services.find(({ service }) => service === "ledger");
      expect(stop).toMatchObject({ outcome: "abandoned", held: { messages: 3 } });
      numbersShop.folder.write("services.yaml", yaml(", lease: 1s", isolation));
      await using second = numbersShop.start();
      await second.ready();
      await numbersShop.grown((lines) => lines.length === 3);
      expect(sorted(numbersShop.written())).toEqual(numbers(3));
      expect((await second.stop()).code).toBe(0);
    },
    slow,
  );

  test("a service that lacks what its queue or its schedule calls is an error before anything starts", async () => {
    using folder = tempDir({
      "services.yaml": `services:
  queue: { module: ./a.ts, consume: { queue: q } }
  clock: { module: ./a.ts, schedule: "@daily" }
`,
      "a.ts": "export default { start() {} };",
    });
    const { code, stderr } = await runSupervisorCli(target, ["run", join(folder.path, "services.yaml")]);
    expect(code).toBe(78);
    expect(stderr).toContain(
      'Service "queue": it has consume: but its module exports no consume() and no tasks',
    );
    expect(stderr).toContain('Service "clock": it has schedule: but its module exports no scheduled()');
  });

  testUnsealed(target, "edits")(
    "a reload with another concurrency replaces the consumer alone, and loses nothing",
    async () => {
      using numbersShop = shop(target, yaml("", "config: { takes: 2 }"));
      await using system = numbersShop.start();
      await system.ready();
      await enqueue(system, 0, 1_000);
      numbersShop.folder.write("services.yaml", yaml(", concurrency: 30", "config: { takes: 2 }"));
      const reload = await verb(system, "reload");
      expect(reload.code).toBe(0);
      expect(reload.stdout).toContain("consume.concurrency 10 → 30");
      await numbersShop.grown((lines) => lines.length >= 1_000);
      expect(sorted(numbersShop.written())).toEqual(numbers(1_000));
      expect(await stateOf(system, "ledger")).toMatchObject({ generation: 2, state: "ready" });
      expect(await stateOf(system, "desk")).toMatchObject({ generation: 1 });
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "a schedule runs at its times, each of them once",
    async () => {
      using numbersShop = shop(target, yaml("", 'schedule: "@every 1s"'));
      await using system = numbersShop.start();
      await system.ready();
      await numbersShop.grown((lines) => lines.length >= 2);
      const times = numbersShop.written().map((line) => Number(line.split(" ")[1]));
      expect(times.every((time) => time % 1_000 === 0)).toBe(true);
      expect(new Set(times).size).toBe(times.length);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );

  test(
    "in threads of their own: all of them consume, the first one keeps the schedule, a stop loses nothing",
    async () => {
      const service = 'isolation: worker\ninstances: 2\nconfig: { takes: 3 }\nschedule: "@every 1s"';
      using numbersShop = shop(target, yaml("", service));
      const isNumber = (line: string) => !line.startsWith("tick");
      await using first = numbersShop.start();
      await first.ready();
      await enqueue(first, 0, 1_000);
      await numbersShop.grown((lines) => lines.length > 100 && lines.some((line) => !isNumber(line)));
      const state = await until(
        () => stateOf(first, "ledger"),
        ({ consumer }) => consumer !== undefined,
      );
      expect(state).toMatchObject({ state: "ready" });
      expect((await first.stop()).code).toBe(0);
      await using second = numbersShop.start();
      await second.ready();
      await numbersShop.grown((lines) => lines.filter(isNumber).length >= 1_000);
      expect((await second.stop()).code).toBe(0);
      const lines = numbersShop.written();
      expect(sorted(lines.filter(isNumber))).toEqual(numbers(1_000));
      const ticks = lines.filter((line) => !isNumber(line));
      expect(new Set(ticks.map((line) => line.split(" ")[2]))).toEqual(new Set(["1"]));
    },
    slow,
  );

  test(
    "in a thread of its own a schedule runs when it is told to, never twice at once, and cron ls sees it",
    async () => {
      const service = 'isolation: worker\ninstances: 2\nconfig: { lasts: 2500 }\nschedule: "0 3 1 1 *"';
      using numbersShop = shop(target, yaml("", service));
      await using system = numbersShop.start();
      await system.ready();
      const shown = (state: string) =>
        until(
          async () => (await verb(system, "cron", "ls")).stdout,
          (text) => new RegExp(`^ledger +0 3 1 1 \\* +UTC +${state} +in \\d+d`, "m").test(text),
        );
      await shown("waiting");
      expect(await verb(system, "cron", "run", "ledger")).toMatchObject({
        code: 0,
        stdout: "ledger: runs\n",
        stderr: "",
      });
      expect(await verb(system, "cron", "run", "ledger")).toMatchObject({
        code: 1,
        stdout: "ledger: skipped: the run before is still going\n",
      });
      await shown("running");
      await until(
        () => stateOf(system, "ledger"),
        ({ schedule }) => (schedule as { running?: number } | undefined)?.running === 1,
      );
      await numbersShop.grown((lines) => lines.length === 1);
      expect(numbersShop.written()[0]).toMatch(/ 1$/);
      await shown("waiting");
      const state = await until(
        () => stateOf(system, "ledger"),
        ({ schedule }) => (schedule as { done?: number } | undefined)?.done === 1,
      );
      expect(state).toMatchObject({ schedule: { running: 0, failed: 0, next: expect.any(Number) } });
      await verb(system, "pause", "ledger");
      await shown("paused");
      await verb(system, "resume", "ledger");
      await verb(system, "stop", "ledger");
      expect(await verb(system, "cron", "run", "ledger")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("the service is not ready"),
      });
      await verb(system, "start", "ledger");
      expect(await verb(system, "cron", "run", "ledger")).toMatchObject({ code: 0 });
      expect((await system.stop()).code).toBe(0);
      expect(numbersShop.written()).toHaveLength(2);
    },
    slow,
  );

  const redis = spawnSync("redis-server", ["--version"]).status === 0;
  test.skipIf(!redis)(
    `a broker that is away makes its consumer unhealthy, and nobody fails${redis ? "" : " (skipped: there is no redis-server)"}`,
    async () => {
      const port = await freePort();
      using numbersShop = shop(
        target,
        yaml("", "health: { interval: 100ms }", `redis://127.0.0.1:${port}/0`),
      );
      await using system = numbersShop.start();
      await system.record((line) => line.service === "ledger" && line.msg.startsWith("unhealthy"));
      await system.ready();
      expect((await fetch(`${await system.url()}/readyz`)).status).toBe(503);
      expect(await stateOf(system, "ledger")).toMatchObject({ state: "unhealthy", failures: 0 });
      {
        await using _server = await startRedis(port);
        await until(
          () => stateOf(system, "ledger"),
          ({ state }) => state === "ready",
        );
        expect((await fetch(`${await system.url()}/readyz`)).status).toBe(200);
        await enqueue(system, 0, 10);
        await numbersShop.grown((lines) => lines.length === 10);
      }
      await until(
        () => stateOf(system, "ledger"),
        ({ state }) => state === "unhealthy",
      );
      await using _again = await startRedis(port);
      await until(
        () => stateOf(system, "ledger"),
        ({ state }) => state === "ready",
      );
      expect(await stateOf(system, "ledger")).toMatchObject({ generation: 1, failures: 0 });
      await enqueue(system, 10, 10);
      await numbersShop.grown((lines) => lines.length === 20);
      expect((await system.stop()).code).toBe(0);
    },
    slow,
  );
});

async function startRedis(port: number): Promise<AsyncDisposable> {
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  await new Promise<void>((resolve) =>
    server.stdout.on("data", (text) => String(text).includes("Ready to accept") && resolve()),
  );
  return {
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await ended;
    },
  };
}
