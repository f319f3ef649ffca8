import { describe, expect, test } from "bun:test";
import { PermanentError } from "../../src/core/errors.ts";
import type { SupervisorEvent } from "../../src/core/events.ts";
import { createEvents } from "../../src/core/events.ts";
import type { ShutdownPlan } from "../../src/core/plan.ts";
import { createGroup } from "../../src/group/group.ts";
import type { Member } from "../../src/group/host.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fakeService, quickRestart } from "../support/fake-service.ts";

const shutdown: ShutdownPlan = { timeout: 30_000, delay: 0, order: "reverse", streamsTimeout: 1_000 };
const request = { tag: "request" } as const;
const stopHeld = { requests: 0, streams: 0, websockets: 0, hooks: ["stop"] };
const never = () => new Promise<void>(() => {});

function world(members: readonly Member[], options: Partial<ShutdownPlan> = {}) {
  const clock = new FakeClock();
  const events = createEvents();
  const log: SupervisorEvent[] = [];
  events.on((event) => log.push(event));
  const group = createGroup({
    members,
    shutdown: { ...shutdown, ...options },
    clock,
    random: () => 0.5,
    events,
  });
  const state = (name: string) => group.snapshots().find((snapshot) => snapshot.name === name);
  const states = () => group.snapshots().map((snapshot) => `${snapshot.name} ${snapshot.state}`);
  return { clock, group, log, state, states };
}

const downs = (seen: string[]) => seen.filter((line) => line.startsWith("down")).map((line) => line.slice(5));

describe("group.start()", () => {
  test("starts everything at once when nothing depends on anything", async () => {
    const seen: string[] = [];
    const slow = { start: never };
    const { group, states } = world([
      fakeService("a", seen, { behaviour: slow }),
      fakeService("b", seen, { behaviour: slow }),
    ]);
    group.start();
    await settle();
    expect(seen).toEqual(["starting a", "starting b"]);
    expect(states()).toEqual(["a starting", "b starting"]);
  });

  test("waits for every init before any start", async () => {
    const seen: string[] = [];
    const init = Promise.withResolvers<void>();
    const { group } = world([
      fakeService("fast", seen),
      fakeService("slow", seen, { behaviour: { load: () => init.promise } }),
    ]);
    group.start();
    await settle();
    expect(seen).toEqual([]);
    init.resolve();
    await settle();
    expect(seen).toEqual(["starting fast", "starting slow", "up fast", "up slow"]);
  });

  test("a start waits until its dependencies are ready, and says for whom", async () => {
    const seen: string[] = [];
    const db = Promise.withResolvers<void>();
    const { group, state } = world([
      fakeService("api", seen, { dependsOn: { db: "ready" } }),
      fakeService("db", seen, { behaviour: { start: () => db.promise } }),
    ]);
    group.start();
    await settle();
    expect(seen).toEqual(["starting db"]);
    expect(state("api")).toMatchObject({ state: "pending", reason: "waits for db" });
    db.resolve();
    await settle();
    expect(seen).toEqual(["starting db", "up db", "starting api", "up api"]);
  });

  test("`started` needs no readiness, `completed` needs the end", async () => {
    const seen: string[] = [];
    const migration = fakeService("migration", seen);
    const { group } = world([
      fakeService("early", seen, { dependsOn: { slow: "started" } }),
      fakeService("slow", seen, { behaviour: { start: never } }),
      fakeService("after", seen, { dependsOn: { migration: "completed" } }),
      migration,
    ]);
    group.start();
    await settle();
    expect(seen).toContain("up early");
    expect(seen).not.toContain("starting after");
    migration.reports[0]?.completed();
    await settle();
    expect(seen.slice(-3)).toEqual(["down migration", "starting after", "up after"]);
  });

  test("tells once that the group is ready, with one service completed and one quarantined", async () => {
    const once = fakeService("once", []);
    const flaky = fakeService("flaky", [], {
      critical: false,
      behaviour: { start: () => Promise.reject(new Error("no")) },
    });
    const { clock, group, log } = world([fakeService("api"), once, flaky]);
    group.start();
    await settle();
    once.reports[0]?.completed();
    await clock.tick(5_000);
    expect(log.filter((event) => event.type === "groupReady")).toHaveLength(1);
  });

  test("tells how long the start took to a tenth of a millisecond", async () => {
    const start = () => new Promise<void>((resolve) => void clock.after(5.834457, resolve));
    const { clock, group, log } = world([fakeService("api", [], { behaviour: { start, stop: () => {} } })]);
    group.start();
    await clock.tick(6);
    expect(log.find((event) => event.type === "groupReady")).toMatchObject({ durationMs: 5.8 });
  });

  test("a start that is not ready in time is a failure that names the remedy", async () => {
    const { clock, group, state } = world([
      fakeService("api", [], { startTimeout: 1_000, behaviour: { start: never, stop: () => {} } }),
    ]);
    group.start();
    await clock.tick(1_001);
    expect(state("api")?.reason).toContain("was not ready within 1s: start() has not resolved");
  });
});

describe("failures", () => {
  test("a failure restarts that service alone, as the next generation", async () => {
    const seen: string[] = [];
    const api = fakeService("api", seen);
    const { clock, group, states, state } = world([api, fakeService("other", seen)]);
    group.start();
    await settle();
    api.reports[0]?.failed(new Error("boom"));
    await settle();
    expect(states()).toEqual(["api backoff", "other ready"]);
    expect(state("api")?.reason).toBe("boom");
    await clock.tick(200);
    expect(states()).toEqual(["api ready", "other ready"]);
    expect(state("api")?.generation).toBe(2);
    expect(downs(seen)).toEqual(["api"]);
  });

  test("a critical service over its limit ends the group, naming who and why", async () => {
    const seen: string[] = [];
    const bad = fakeService("bad", seen, {
      behaviour: { start: () => Promise.reject(new Error("no luck")) },
    });
    const { clock, group } = world([fakeService("good", seen), bad]);
    group.start();
    await clock.tick(60_000);
    const report = await group.ended;
    expect(report.cause).toEqual({ tag: "failure", service: "bad", message: "no luck" });
    expect(bad.reports).toHaveLength(4);
    expect(downs(seen).at(-1)).toBe("good");
  });

  test("a permanent error skips the retries", async () => {
    const bad = fakeService("bad", [], {
      behaviour: { start: () => Promise.reject(new PermanentError("no tenant")) },
    });
    const { group, clock } = world([bad]);
    group.start();
    await clock.tick(1);
    expect((await group.ended).cause).toMatchObject({ tag: "failure", service: "bad" });
    expect(bad.reports).toHaveLength(1);
  });

  test("a service that is not critical is quarantined, probed, and clean again once stable", async () => {
    let broken = true;
    const flaky = fakeService("flaky", [], {
      critical: false,
      behaviour: { start: () => (broken ? Promise.reject(new Error("no")) : undefined) },
    });
    const { clock, group, state } = world([fakeService("api"), flaky]);
    group.start();
    await clock.tick(700);
    expect(state("flaky")).toMatchObject({ state: "quarantined", failures: 4 });
    broken = false;
    await clock.tick(1_000);
    expect(state("flaky")).toMatchObject({ state: "ready", failures: 4 });
    await clock.tick(10_000);
    expect(state("flaky")).toMatchObject({ state: "ready", failures: 0 });
    expect(state("api")?.state).toBe("ready");
  });

  test("whoever depends on a service that failed for good fails too, and says so", async () => {
    const gone = fakeService("gone", [], {
      critical: false,
      behaviour: { start: () => Promise.reject(new PermanentError("never")) },
    });
    const { clock, group, state } = world([
      gone,
      fakeService("api", [], { critical: false, dependsOn: { gone: "ready" } }),
      fakeService("other"),
    ]);
    group.start();
    await clock.tick(1);
    expect(state("api")?.state).toBe("failed");
    expect(state("api")?.reason).toContain('"gone", which it depends on, has failed for good');
    expect(state("other")?.state).toBe("ready");
  });

  test("late reports of an old generation change nothing", async () => {
    const api = fakeService("api");
    const { clock, group, state } = world([api]);
    group.start();
    await settle();
    api.reports[0]?.failed(new Error("first"));
    await clock.tick(200);
    api.reports[0]?.failed(new Error("late"));
    api.reports[0]?.completed();
    await settle();
    expect(state("api")).toMatchObject({ state: "ready", generation: 2 });
  });
});

describe("health", () => {
  test("one failed probe is unhealthy, an answer heals, three in a row are a failure", async () => {
    let status: "pass" | "fail" = "fail";
    const api = fakeService("api", [], { behaviour: { health: () => ({ status, output: "db away" }) } });
    const { clock, group, state } = world([api]);
    group.start();
    await clock.tick(1_001);
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "db away", generation: 1 });
    status = "pass";
    await clock.tick(1_000);
    expect(state("api")).toMatchObject({ state: "ready" });
    status = "fail";
    await clock.tick(3_200);
    expect(api.reports.length).toBe(2);
  });

  test("a probe without answer fails after its timeout", async () => {
    const hangs = fakeService("api", [], {
      behaviour: { health: () => new Promise(() => {}) },
    });
    const { clock, group, state } = world([hangs]);
    group.start();
    await clock.tick(1_501);
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "no answer within 500ms" });
  });
});

describe("trouble with what work comes from", () => {
  const sick = { health: () => ({ status: "fail", output: "db away" }) as const };

  test("makes a ready service unhealthy with the reason, and ready again when it is over", async () => {
    const api = fakeService("api");
    const { clock, group, state } = world([api]);
    group.start();
    await clock.tick(10);
    api.reports[0]?.troubled("broker away");
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "broker away", failures: 0 });
    api.reports[0]?.troubled("broker still away");
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "broker still away" });
    api.reports[0]?.troubled(undefined);
    expect(state("api")).toMatchObject({ state: "ready", generation: 1, failures: 0 });
  });

  test("counts no strike and fails nobody, whatever health() says, and begins to count anew afterwards", async () => {
    const api = fakeService("api", [], { behaviour: sick });
    const { clock, group, state } = world([api]);
    group.start();
    await clock.tick(2_100);
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "db away" });
    api.reports[0]?.troubled("broker away");
    await clock.tick(60_000);
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "broker away", generation: 1 });
    api.reports[0]?.troubled(undefined);
    expect(state("api")).toMatchObject({ state: "ready" });
    await clock.tick(2_100);
    expect(api.reports.length).toBe(1);
    await clock.tick(1_100);
    expect(api.reports.length).toBe(2);
  });

  test("from before the start: it counts as started, groupReady names it, nothing was ever said to be ready", async () => {
    const start = Promise.withResolvers<void>();
    const api = fakeService("api", [], { behaviour: { start: () => start.promise } });
    const { group, log, state } = world([api, fakeService("other")]);
    group.start();
    await settle();
    api.reports[0]?.troubled("broker away");
    expect(state("api")).toMatchObject({ state: "starting" });
    start.resolve();
    await settle();
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "broker away" });
    expect(log).toContainEqual(expect.objectContaining({ type: "groupReady", unready: ["api"] }));
    const states = log.flatMap((event) =>
      event.type === "serviceChanged" && event.snapshot.name === "api" ? [event.snapshot.state] : [],
    );
    expect(states).not.toContain("ready");
  });

  test("of a generation that comes up is that of the service from the switch on; the old one's counts no more", async () => {
    const api = fakeService("api");
    const { group, state } = world([api]);
    group.start();
    await settle();
    const start = group.perform("restart", ["api"]);
    await settle();
    api.reports[1]?.troubled("broker away");
    await start;
    expect(state("api")).toMatchObject({ state: "unhealthy", reason: "broker away", generation: 2 });
    api.reports[0]?.troubled(undefined);
    expect(state("api")).toMatchObject({ state: "unhealthy", generation: 2 });
    api.reports[1]?.troubled(undefined);
    expect(state("api")).toMatchObject({ state: "ready", generation: 2 });
  });
});

describe("group.stop()", () => {
  test("stops in the exact reverse of the order of the starts", async () => {
    const seen: string[] = [];
    const { group } = world([
      fakeService("c", seen, { dependsOn: { b: "ready" } }),
      fakeService("a", seen),
      fakeService("b", seen, { dependsOn: { a: "ready" } }),
    ]);
    group.start();
    await settle();
    const report = await group.stop(request);
    expect(seen.filter((line) => line.startsWith("starting"))).toEqual([
      "starting a",
      "starting b",
      "starting c",
    ]);
    expect(downs(seen)).toEqual(["c", "b", "a"]);
    expect(report).toMatchObject({ outcome: "clean", cause: request });
    expect(report.services.map((stop) => stop.outcome)).toEqual(["stopped", "stopped", "stopped"]);
  });

  test("is idempotent: the second call gets the first one's report", async () => {
    const seen: string[] = [];
    const { group } = world([fakeService("a", seen)]);
    group.start();
    await settle();
    const [first, second] = await Promise.all([group.stop(request), group.stop({ tag: "completed" })]);
    expect(second).toBe(first);
    expect(downs(seen)).toEqual(["a"]);
  });

  test("one that hangs is abandoned at its deadline, named with what it held, and the next has its turn", async () => {
    const seen: string[] = [];
    const { clock, group } = world([
      fakeService("first", seen),
      fakeService("hangs", seen, { stopTimeout: 2_000, behaviour: { stop: never } }),
    ]);
    group.start();
    await settle();
    const stopping = group.stop(request);
    await clock.tick(1_999);
    expect(downs(seen)).toEqual([]);
    await clock.tick(1);
    expect(downs(seen)).toEqual(["first"]);
    const report = await stopping;
    expect(report.outcome).toBe("forced");
    expect(report.services[0]).toMatchObject({
      service: "hangs",
      outcome: "abandoned",
      durationMs: 2_000,
      held: { hooks: ["stop"] },
    });
    expect(report.services[1]).toMatchObject({ service: "first", outcome: "stopped" });
  });

  test("a generation that was abandoned while recovering, and never ended, is named: nobody says it was clean", async () => {
    const behaviour = { stop: (generation: number) => (generation === 1 ? never() : undefined) };
    const flaky = fakeService("flaky", [], { stopTimeout: 2_000, behaviour });
    const { clock, group, log, state } = world([flaky, fakeService("calm")]);
    group.start();
    await settle();
    flaky.reports[0]?.failed(new Error("boom"));
    await clock.tick(1_999);
    expect(state("flaky")?.state).toBe("stopping");
    await clock.tick(1_001);
    expect(state("flaky")).toMatchObject({ state: "ready", generation: 2 });
    expect(log.filter((event) => event.type === "generationAbandoned")).toEqual([
      { type: "generationAbandoned", service: "flaky", generation: 1, held: stopHeld, allowedMs: 2_000 },
    ]);
    const report = await group.stop(request);
    expect(report.outcome).toBe("forced");
    expect(report.services).toMatchObject([
      { service: "calm", outcome: "stopped" },
      {
        service: "flaky",
        generation: 2,
        outcome: "stopped",
        leftBehind: [{ generation: 1, held: stopHeld }],
      },
    ]);
    expect(report.services[0]?.leftBehind).toBeUndefined();
  });

  test("a generation that was abandoned while recovering, and ended late, is gone: the stop is clean", async () => {
    const late = Promise.withResolvers<void>();
    const behaviour = { stop: (generation: number) => (generation === 1 ? late.promise : undefined) };
    const flaky = fakeService("flaky", [], { stopTimeout: 2_000, behaviour });
    const { clock, group } = world([flaky]);
    group.start();
    await settle();
    flaky.reports[0]?.failed(new Error("boom"));
    await clock.tick(3_000);
    late.resolve();
    await settle();
    const report = await group.stop(request);
    expect(report.outcome).toBe("clean");
    expect(report.services[0]).not.toHaveProperty("leftBehind");
  });

  test("one that is stopped while it is tried again is told with the failure of its last try, unless it has served since", async () => {
    const behaviour = {
      start: (generation: number) => (generation === 1 ? Promise.reject(new Error("no route")) : never()),
    };
    const [away, back] = [fakeService("away", [], { behaviour }), fakeService("back")];
    const { clock, group } = world([away, back]);
    group.start();
    await settle();
    back.reports[0]?.failed(new Error("boom"));
    await clock.tick(1_000);
    const stopping = group.stop(request);
    await clock.tick(30_000);
    const { services } = await stopping;
    expect(services.map(({ service, error }) => [service, error])).toEqual([
      ["back", undefined],
      ["away", "no route"],
    ]);
  });

  test("one whose time to recover runs out before its turn comes is abandoned", async () => {
    const slow = fakeService("slow", [], { behaviour: { stop: never }, stopTimeout: 4_000 });
    const stuck = fakeService("stuck", [], { behaviour: { stop: never }, stopTimeout: 1_000 });
    const { clock, group } = world([stuck, slow]);
    group.start();
    await settle();
    stuck.reports[0]?.failed(new Error("boom"));
    await settle();
    const stopping = group.stop(request);
    await clock.tick(10_000);
    const report = await stopping;
    expect(report.services).toMatchObject([
      { service: "slow", outcome: "abandoned" },
      { service: "stuck", outcome: "abandoned", held: stopHeld },
    ]);
    expect(report.services[1]).not.toHaveProperty("leftBehind");
  });

  test("a critical service that never ended is left behind by the stop that it caused", async () => {
    const last = fakeService("last", [], {
      stopTimeout: 1_000,
      behaviour: { stop: never },
      restart: { ...quickRestart, policy: "never" },
    });
    const { clock, group } = world([last]);
    group.start();
    await settle();
    last.reports[0]?.failed(new Error("boom"));
    await clock.tick(1_000);
    const report = await group.ended;
    expect(report).toMatchObject({ outcome: "forced", cause: { tag: "failure", service: "last" } });
    expect(report.services[0]).toMatchObject({
      outcome: "gone",
      leftBehind: [{ generation: 1, held: stopHeld }],
    });
  });

  test("all of them hanging still ends inside the budget", async () => {
    const members = Array.from({ length: 20 }, (_, index) =>
      fakeService(`s${index}`, [], { behaviour: { stop: never } }),
    );
    const { clock, group } = world(members, { timeout: 5_000 });
    group.start();
    await settle();
    const stopping = group.stop(request);
    await clock.tick(5_000);
    const report = await stopping;
    expect(report.durationMs).toBeLessThanOrEqual(5_000);
    expect(report.services.every((stop) => stop.outcome === "abandoned" && stop.durationMs > 0)).toBe(true);
  });

  test("time that one does not need is the next one's", async () => {
    const offered: number[] = [];
    const members = ["a", "b", "c"].map((name) =>
      fakeService(name, [], { behaviour: { stop: (_, { budget }) => void offered.push(budget) } }),
    );
    const { group } = world(members, { timeout: 9_000 });
    group.start();
    await settle();
    await group.stop(request);
    expect(offered).toEqual([2_850, 5_700, 8_550]);
  });

  test("during the start: what has not begun never begins, what has is stopped", async () => {
    const seen: string[] = [];
    const { clock, group, states } = world([
      fakeService("slow", seen, { behaviour: { start: never } }),
      fakeService("waits", seen, { dependsOn: { slow: "ready" } }),
    ]);
    group.start();
    await settle();
    const stopping = group.stop(request);
    await clock.tick(0);
    const report = await stopping;
    expect(seen).not.toContain("starting waits");
    expect(states()).toEqual(["slow stopped", "waits stopped"]);
    expect(report.services.map(({ service, outcome }) => [service, outcome])).toEqual([
      ["waits", "unstarted"],
      ["slow", "stopped"],
    ]);
  });

  test("during a backoff: no retry comes any more", async () => {
    const api = fakeService("api");
    const { clock, group, state } = world([api]);
    group.start();
    await settle();
    api.reports[0]?.failed(new Error("boom"));
    await settle();
    await group.stop(request);
    await clock.tick(60_000);
    expect(state("api")?.state).toBe("stopped");
    expect(api.reports).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("while a failed generation is being released: waits for that, and starts none after it", async () => {
    const release = Promise.withResolvers<void>();
    const api = fakeService("api", [], { behaviour: { stop: () => release.promise } });
    const { clock, group, state } = world([api]);
    group.start();
    await settle();
    api.reports[0]?.failed(new Error("boom"));
    await settle();
    const stopping = group.stop(request);
    await clock.tick(10);
    release.resolve();
    await clock.tick(60_000);
    expect((await stopping).services[0]?.outcome).toBe("stopped");
    expect(state("api")?.state).toBe("stopped");
    expect(api.reports).toHaveLength(1);
  });

  test("an error in a stop is reported and ends nothing", async () => {
    const seen: string[] = [];
    const { group } = world([
      fakeService("a", seen),
      fakeService("b", seen, { behaviour: { stop: () => Promise.reject(new Error("disk full")) } }),
    ]);
    group.start();
    await settle();
    const report = await group.stop(request);
    expect(report.services[0]).toMatchObject({ service: "b", outcome: "failed", error: "disk full" });
    expect(downs(seen)).toEqual(["a"]);
    expect(report.outcome).toBe("clean");
  });

  test("a failure after the stop began waits for its turn, and the report tells it", async () => {
    const seen: string[] = [];
    const last = Promise.withResolvers<void>();
    const first = fakeService("first", seen);
    const { group } = world([first, fakeService("last", seen, { behaviour: { stop: () => last.promise } })]);
    group.start();
    await settle();
    const stopping = group.stop(request);
    await settle();
    first.reports[0]?.failed(new Error("lost its database"));
    await settle();
    expect(downs(seen)).toEqual([]);
    last.resolve();
    expect((await stopping).services[1]).toMatchObject({ outcome: "failed", error: "lost its database" });
    expect(downs(seen)).toEqual(["last", "first"]);
  });

  test("order graph stops independent services side by side, and dependents first", async () => {
    const seen: string[] = [];
    const wait = (clock: FakeClock) => () => new Promise<void>((resolve) => void clock.after(1_000, resolve));
    const clock = new FakeClock();
    const events = createEvents();
    const members = [
      fakeService("db", seen, { behaviour: { stop: wait(clock) } }),
      fakeService("x", seen, { dependsOn: { db: "ready" }, behaviour: { stop: wait(clock) } }),
      fakeService("y", seen, { dependsOn: { db: "ready" }, behaviour: { stop: wait(clock) } }),
    ];
    const group = createGroup({
      members,
      shutdown: { ...shutdown, order: "graph" },
      clock,
      random: () => 0,
      events,
    });
    group.start();
    await settle();
    const stopping = group.stop(request);
    await clock.tick(2_000);
    expect((await stopping).durationMs).toBe(2_000);
    expect(downs(seen).at(-1)).toBe("db");
  });

  test("the delay passes before the first service stops, with all of them told to take nothing new", async () => {
    const seen: string[] = [];
    const { clock, group } = world([fakeService("a", seen)], { delay: 5_000 });
    group.start();
    await settle();
    void group.stop(request);
    await clock.tick(4_999);
    expect(seen.at(-1)).toBe("quiet a");
    await clock.tick(1);
    expect(seen.at(-1)).toBe("down a");
  });

  test("before the start: nothing ever starts", async () => {
    const seen: string[] = [];
    const { group } = world([fakeService("a", seen)]);
    const report = await group.stop(request);
    group.start();
    await settle();
    expect(seen).toEqual([]);
    expect(report.services[0]?.outcome).toBe("unstarted");
  });

  test("all services completed is a clean end by itself", async () => {
    const once = fakeService("once");
    const { group } = world([once]);
    group.start();
    await settle();
    once.reports[0]?.completed();
    const report = await group.ended;
    expect(report.cause).toEqual({ tag: "completed" });
    expect(report.services[0]?.outcome).toBe("completed");
  });
});

describe("a group of which nothing is left", () => {
  const givenUp = { critical: false, restart: { ...quickRestart, policy: "never" } } as const;
  const broken = () => Promise.reject(new Error("broken"));

  test("has failed when nothing has completed", async () => {
    const { group } = world([fakeService("only", [], { ...givenUp, behaviour: { start: broken } })]);
    group.start();
    const { cause } = await group.ended;
    expect(cause).toEqual({ tag: "failure", service: "only", message: "broken" });
  });

  test("names who was given up when others have completed", async () => {
    const once = fakeService("once");
    const { group } = world([once, fakeService("bad", [], { ...givenUp, behaviour: { start: broken } })]);
    group.start();
    await settle();
    once.reports[0]?.completed();
    expect((await group.ended).cause).toEqual({ tag: "completed", failed: ["bad"] });
  });
});

describe("group.report()", () => {
  test("tells during a stop who has ended, who holds what, and whose turn has not come", async () => {
    const gone = fakeService("gone", [], { critical: false, restart: { ...quickRestart, policy: "never" } });
    const { clock, group } = world([
      fakeService("first"),
      fakeService("hangs", [], { stopTimeout: 5_000, behaviour: { stop: never } }),
      gone,
      fakeService("waits", [], { dependsOn: { gone: "completed" }, critical: false }),
      fakeService("last"),
    ]);
    expect(group.report()).toBeUndefined();
    group.start();
    await settle();
    expect(group.report()).toBeUndefined();
    gone.reports[0]?.failed(new PermanentError("no"));
    await settle();
    const stopping = group.stop(request);
    await clock.tick(1_000);
    const report = group.report();
    expect(report).toMatchObject({ cause: request, outcome: "forced", durationMs: 1_000, budgetMs: 30_000 });
    const rows = report?.services.map((stop) => [
      stop.service,
      stop.outcome,
      stop.startedMs,
      stop.durationMs,
    ]);
    expect(rows).toEqual([
      ["waits", "unstarted", 0, 0],
      ["last", "stopped", 0, 0],
      ["gone", "gone", 0, 0],
      ["hangs", "abandoned", 0, 1_000],
      ["first", "abandoned", 1_000, 0],
    ]);
    expect(report?.services[3]).toMatchObject({ deadlineMs: 5_000, held: stopHeld });
    await clock.tick(5_000);
    const final = await stopping;
    expect(group.report()).toBe(final);
  });
});
