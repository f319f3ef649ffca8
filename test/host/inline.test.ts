import { describe, expect, test } from "bun:test";
import { beaconCells, createBeacon } from "../../src/core/beacon.ts";
import type { LogRecord } from "../../src/core/log.ts";
import { createLogger } from "../../src/core/log.ts";
import type { HostReport } from "../../src/group/host.ts";
import { InlineHost } from "../../src/host/inline.ts";
import { createQueueFinder } from "../../src/host/queue-finder.ts";
import type { Context, Service } from "../../src/service/contract.ts";
import type { Intake, IntakeTarget } from "../../src/service/intake.ts";
import { scopes } from "../../src/service/scope.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const budget = { budget: 10_000, final: true };

/** An intake that notes what it is told, and drains when the test says so. */
function fakeIntake(
  seen: string[],
  drained: Promise<void> = Promise.resolve(),
): Intake & { target?: IntakeTarget } {
  return {
    needsFetch: true,
    open(target) {
      seen.push("open");
      this.target = target;
      return {
        cutStreams: 0,
        async drain({ final }) {
          seen.push(final ? "drain for good" : "drain");
          await drained;
        },
        cut: () => void seen.push("cut"),
        held: () => ({ requests: 2, streams: 1, websockets: 0 }),
      };
    },
    quiet: () => void seen.push("quiet"),
    pause: () => void seen.push("pause"),
    resume: () => void seen.push("resume"),
    close: () => void seen.push("close"),
  };
}

function host(
  service: Service | ((ctx: Context) => Service | Promise<Service>),
  seen: string[] = [],
  intake?: Intake,
) {
  const clock = new FakeClock();
  const beacon = createBeacon();
  const records: LogRecord[] = [];
  const report: HostReport & { failures: unknown[]; completions: number } = {
    troubled() {},
    failures: [],
    completions: 0,
    failed(error) {
      this.failures.push(error);
    },
    completed() {
      this.completions += 1;
    },
  };
  const made = new InlineHost({
    name: "api",
    generation: 7,
    blueprint: () => ({
      create: typeof service === "function" ? service : () => service,
      config: { dsn: "x" },
    }),
    env: { REGION: "eu" },
    log: createLogger((record) => records.push(record), clock.wall.bind(clock)),
    clock,
    beacon,
    mark: 3,
    ...(intake ? { intakes: [intake] } : {}),
    service: () => ({ fetch: async () => new Response("other") }),
    queue: createQueueFinder(
      () => [],
      () => {
        throw new RangeError("there is none");
      },
    ),
    report,
    blame: () => () => void seen.push("unblamed"),
  });
  return { host: made, clock, beacon, report, records };
}

describe("InlineHost", () => {
  test("calls init, then start, then run, with what the service is promised", async () => {
    const seen: string[] = [];
    let given: Context | undefined;
    const { host: h } = host({
      init: (ctx) => {
        given = ctx;
        seen.push("init");
      },
      start: () => void seen.push("start"),
      run: async () => void seen.push("run"),
    });
    await h.load();
    await h.start();
    expect(seen).toEqual(["init", "start", "run"]);
    expect(given).toMatchObject({ name: "api", generation: 7, config: { dsn: "x" } });
    expect(given?.env.REGION).toBe("eu");
    expect(given?.env.PATH).toBe(process.env.PATH);
    expect(given?.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  test("every hook runs in the service's scope with the beacon on its mark", async () => {
    const seen: unknown[] = [];
    const note = () => void seen.push([scopes.getStore()?.service, beacon[beaconCells.current]]);
    const { host: h, beacon } = host({ init: note, start: note, stop: note, health: note });
    await h.load();
    await h.start();
    await h.health();
    await h.stop(budget);
    expect(seen).toEqual([
      ["api", 3],
      ["api", 3],
      ["api", 3],
      ["api", 3],
    ]);
    expect(beacon[beaconCells.current]).toBe(0);
    expect(beacon[beaconCells.last]).toBe(3);
  });

  test("opens the intake only when the service is ready", async () => {
    const seen: string[] = [];
    const starting = Promise.withResolvers<void>();
    const { host: h } = host(
      { start: () => starting.promise, fetch: () => new Response() },
      seen,
      fakeIntake(seen),
    );
    await h.load();
    const started = h.start();
    await settle();
    expect(seen).toEqual([]);
    starting.resolve();
    await started;
    expect(seen).toEqual(["open"]);
  });

  test("a start that blocks is ready once it says so, and a failure after that is one of a running service", async () => {
    const blocking = Promise.withResolvers<void>();
    const { host: h, report } = host({
      start: (ctx) => {
        ctx.ready();
        ctx.ready();
        return blocking.promise;
      },
    });
    await h.load();
    await h.start();
    blocking.reject(new Error("lost"));
    await settle();
    expect(report.failures).toEqual([new Error("lost")]);
  });

  test("run that resolves is completed, one that rejects has failed", async () => {
    const good = host({ run: async () => {} });
    await good.host.load();
    await good.host.start();
    await settle();
    expect(good.report).toMatchObject({ completions: 1, failures: [] });

    const bad = host({ run: () => Promise.reject(new Error("gone")) });
    await bad.host.load();
    await bad.host.start();
    await settle();
    expect(bad.report).toMatchObject({ completions: 0, failures: [new Error("gone")] });
  });

  test("stop: signal, drain, stop(), then the cleanups, last first, each of them even when one throws", async () => {
    const seen: string[] = [];
    const drained = Promise.withResolvers<void>();
    const { host: h, clock } = host(
      {
        start(ctx) {
          ctx.signal.addEventListener("abort", () => seen.push("abort"));
          ctx.defer(() => void seen.push("first cleanup"));
          ctx.defer(() => Promise.reject(new Error("cleanup broke")));
          ctx.defer(() => void seen.push("last cleanup"));
        },
        fetch: () => new Response(),
        stop: (ctx) => void seen.push(`stop until ${ctx.deadline - clock.wall()}`),
      },
      seen,
      fakeIntake(seen, drained.promise),
    );
    await h.load();
    await h.start();
    const stopping = h.stop(budget);
    await settle();
    expect(seen).toEqual(["open", "abort", "drain for good"]);
    drained.resolve();
    await expect(stopping).rejects.toThrow("cleanup broke");
    expect(seen.slice(3)).toEqual(["stop until 10000", "last cleanup", "first cleanup", "unblamed"]);
  });

  test("stop of a service that was never started runs its cleanups but not its stop()", async () => {
    const seen: string[] = [];
    const { host: h } = host({
      init: (ctx) => ctx.defer(() => void seen.push("cleanup")),
      start: () => void seen.push("start"),
      stop: () => void seen.push("stop"),
    });
    await h.load();
    await h.stop(budget);
    expect(seen).toEqual(["cleanup"]);
  });

  test("stop gives a start under way half of the time to notice, then calls stop() and waits for both", async () => {
    const seen: string[] = [];
    const starting = Promise.withResolvers<void>();
    const { host: h, clock } = host({
      start: () => starting.promise,
      stop: () => {
        seen.push("stop");
        starting.resolve();
      },
    });
    await h.load();
    void h.start();
    await settle();
    const stopping = h.stop({ budget: 1_000, final: true });
    await clock.tick(499);
    expect(seen).toEqual([]);
    await clock.tick(1);
    expect(seen).toEqual(["stop"]);
    await stopping;
  });

  test("stop waits for run to end", async () => {
    const seen: string[] = [];
    const { host: h, report } = host({
      run: (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener(
            "abort",
            () => void Promise.resolve().then(() => resolve(void seen.push("run"))),
          );
        }),
    });
    await h.load();
    await h.start();
    await h.stop(budget);
    expect(seen).toEqual(["run"]);
    expect(report.completions).toBe(0);
  });

  test("abandon tells what was held, hooks included, and cuts what can be cut", async () => {
    const seen: string[] = [];
    const service = {
      run: () => new Promise<void>(() => {}),
      stop: () => new Promise<void>(() => {}),
      fetch: () => new Response(),
    };
    const { host: h } = host(service, seen, fakeIntake(seen));
    await h.load();
    await h.start();
    void h.stop(budget);
    await settle();
    expect(h.abandon()).toEqual({ requests: 2, streams: 1, websockets: 0, hooks: ["run", "stop"] });
    expect(seen).toContain("cut");
  });

  test("a class instance keeps its `this`, a factory may be asynchronous", async () => {
    class Api {
      readonly greeting = "hello";
      fetch() {
        return new Response(this.greeting);
      }
    }
    const seen: string[] = [];
    const intake = fakeIntake(seen);
    const { host: h } = host(async () => new Api(), seen, intake);
    await h.load();
    await h.start();
    const response = await intake.target?.fetch?.(new Request("http://x/"), {} as never);
    expect(await response?.text()).toBe("hello");
  });

  test("a service without fetch behind an http: address fails for good, saying so", async () => {
    const { host: h } = host({ start() {} }, [], fakeIntake([]));
    await h.load();
    await expect(h.start()).rejects.toMatchObject({
      name: "PermanentError",
      message: expect.stringContaining("no fetch()"),
    });
  });

  test("reload hands over the config, and ctx.config is the new one afterwards", async () => {
    const seen: unknown[] = [];
    let ctx: Context | undefined;
    const { host: h } = host((given) => {
      ctx = given;
      return {
        start() {},
        reload: (config, { config: old }) => void seen.push(old, config),
      };
    });
    await h.load();
    await h.start();
    expect(await h.reload?.({ dsn: "y" })).toBe(true);
    expect(seen).toEqual([{ dsn: "x" }, { dsn: "y" }]);
    expect(ctx?.config).toEqual({ dsn: "y" });
  });

  test("reload is false for a service that has none, and for one that throws; ctx.config stays", async () => {
    const { host: without } = host({ start() {} });
    await without.load();
    expect(await without.reload?.({ dsn: "y" })).toBe(false);
    let ctx: Context | undefined;
    const { host: throwing, records } = host((given) => {
      ctx = given;
      return {
        start() {},
        reload() {
          throw new Error("cannot");
        },
      };
    });
    await throwing.load();
    await throwing.start();
    expect(await throwing.reload?.({ dsn: "y" })).toBe(false);
    expect(ctx?.config).toEqual({ dsn: "x" });
    expect(records).toMatchObject([{ level: "warn", message: expect.stringContaining("reload() failed") }]);
  });
});

test("isOneWith() holds for two hosts of one object with a life of its own, not for one that only answers", async () => {
  const pair = async (service: Service) => {
    const [one, other] = [host(service).host, host(service).host];
    await Promise.all([one.load(), other.load()]);
    return one.isOneWith(other);
  };
  expect(await pair({ start() {} })).toBe(true);
  expect(await pair({ fetch: () => new Response("") })).toBe(false);
  const [one, other] = [host(() => ({ start() {} })).host, host(() => ({ start() {} })).host];
  await Promise.all([one.load(), other.load()]);
  expect(one.isOneWith(other)).toBe(false);
});
