import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { PermanentError } from "../../src/core/errors.ts";
import type { SupervisorEvent } from "../../src/core/events.ts";
import { createEvents } from "../../src/core/events.ts";
import type { ShutdownPlan } from "../../src/core/plan.ts";
import { ProblemsError } from "../../src/core/problem.ts";
import { createGroup } from "../../src/group/group.ts";
import type { Member } from "../../src/group/host.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fakeService } from "../support/fake-service.ts";

const shutdown: ShutdownPlan = { timeout: 30_000, delay: 0, order: "reverse", streamsTimeout: 1_000 };
const never = () => new Promise<void>(() => {});

async function running(members: readonly Member[]) {
  const clock = new FakeClock();
  const events = createEvents();
  const log: SupervisorEvent[] = [];
  events.on((event) => log.push(event));
  const group = createGroup({ members, shutdown, clock, random: () => 0.5, events });
  group.start();
  await settle();
  const state = (name: string) => group.snapshots().find((snapshot) => snapshot.name === name);
  return { clock, group, log, state };
}

describe("group.perform() restart", () => {
  test("brings up the next generation, switches, and only then ends the old one", async () => {
    const seen: string[] = [];
    const up = Promise.withResolvers<void>();
    const behaviour = { start: (generation: number) => (generation === 2 ? up.promise : undefined) };
    const { group, state, log } = await running([fakeService("api", seen, { behaviour })]);
    const restarting = group.perform("restart", ["api"]);
    await settle();
    expect(state("api")).toMatchObject({ state: "ready", generation: 1, replacing: 2 });
    expect(seen).not.toContain("down api");
    up.resolve();
    expect(await restarting).toMatchObject([
      { subject: "api", action: "restart", outcome: "done", generation: 2 },
    ]);
    expect(seen.slice(-2)).toEqual(["up api", "down api"]);
    expect(state("api")).not.toHaveProperty("replacing");
    expect(log.find((event) => event.type === "serviceReplaced")).toMatchObject({ from: 1, to: 2 });
  });

  for (const [where, behaviour] of Object.entries({
    load: { load: (generation: number) => fail(generation) },
    start: { start: (generation: number) => fail(generation) },
  })) {
    test(`a new generation that fails at ${where} is ended, and the old one never stops`, async () => {
      const seen: string[] = [];
      const api = fakeService("api", seen, { behaviour });
      const { group, state, log } = await running([api]);
      const [step] = await group.perform("restart", ["api"]);
      expect(step).toMatchObject({ outcome: "failed", generation: 1, error: { message: "no 2" } });
      expect(state("api")).toMatchObject({
        state: "ready",
        generation: 1,
        note: "generation 2 was refused: no 2",
      });
      expect(seen.filter((line) => line === "down api")).toHaveLength(1);
      expect(log.filter((event) => event.type === "serviceReplaceFailed")).toHaveLength(1);
      api.reports[0]?.failed(new Error("the old one is still listened to"));
      await settle();
      expect(state("api")?.state).toBe("backoff");
    });
  }

  test("one that neither starts in time nor ends keeps nobody waiting for its whole stop_timeout", async () => {
    const behaviour = {
      start: (generation: number) => (generation === 2 ? never() : undefined),
      stop: (generation: number) => (generation === 2 ? never() : undefined),
    };
    const { clock, group, state } = await running([
      fakeService("api", [], { startTimeout: 1_000, behaviour }),
    ]);
    const restarting = group.perform("restart", ["api"]);
    await clock.tick(2_000);
    expect((await restarting)[0]?.error?.code).toBe("START_TIMEOUT");
    expect(state("api")).toMatchObject({ state: "ready", generation: 1 });
  });

  test("tells the code, the place and the hint of code that cannot be loaded", async () => {
    const position = { file: resolve("b.ts"), line: 3, column: 7, text: "let a b", length: 1 };
    const problem = { code: "MODULE_SYNTAX", message: "Expected ;", hint: "Correct it.", position } as const;
    const load = (generation: number) => {
      if (generation === 2) throw new ProblemsError([problem]);
    };
    const { group } = await running([fakeService("b", [], { behaviour: { load } })]);
    const [step] = await group.perform("restart", ["b"]);
    expect(step?.error).toMatchObject({ code: "MODULE_SYNTAX", hint: "Correct it." });
    expect(step?.error?.message.split("\n")).toEqual([
      "b.ts:3:7 Expected ;",
      "    3 | let a b",
      "      |       ^",
    ]);
  });

  test("a new generation that is never ready is ended at start_timeout", async () => {
    const behaviour = { start: (generation: number) => (generation === 2 ? never() : undefined) };
    const { clock, group, state } = await running([
      fakeService("api", [], { startTimeout: 1_000, behaviour }),
    ]);
    const restarting = group.perform("restart", ["api"]);
    await clock.tick(1_000);
    expect((await restarting)[0]?.error?.code).toBe("START_TIMEOUT");
    expect(state("api")).toMatchObject({ state: "ready", generation: 1 });
  });

  test("when the old generation fails meanwhile, the new one takes its place without a second start", async () => {
    const up = Promise.withResolvers<void>();
    const behaviour = { start: (generation: number) => (generation === 2 ? up.promise : undefined) };
    const api = fakeService("api", [], { behaviour });
    const { clock, group, state } = await running([api]);
    const restarting = group.perform("restart", ["api"]);
    await settle();
    api.reports[0]?.failed(new Error("boom"));
    await clock.tick(5_000);
    expect(api.reports).toHaveLength(2);
    up.resolve();
    expect((await restarting)[0]?.outcome).toBe("done");
    expect(state("api")).toMatchObject({ state: "ready", generation: 2, failures: 0 });
  });

  test("when both fail, the retry that fell due meanwhile follows", async () => {
    const behaviour = { start: (generation: number) => (generation === 2 ? never() : undefined) };
    const api = fakeService("api", [], { startTimeout: 1_000, behaviour });
    const { clock, group, state } = await running([api]);
    const restarting = group.perform("restart", ["api"]);
    await settle();
    api.reports[0]?.failed(new Error("boom"));
    await clock.tick(1_000);
    expect((await restarting)[0]?.outcome).toBe("failed");
    expect(state("api")).toMatchObject({ state: "ready", generation: 3 });
  });

  test("replace: stop-first ends the old generation before the new one loads", async () => {
    const seen: string[] = [];
    const { group, state } = await running([fakeService("api", seen, { replace: "stop-first" })]);
    await group.perform("restart", ["api"]);
    expect(seen).toEqual(["starting api", "up api", "down api", "starting api", "up api"]);
    expect(state("api")).toMatchObject({ state: "ready", generation: 2 });
  });

  test("an object that all generations share is stopped before it starts again", async () => {
    const seen: string[] = [];
    const { group, state } = await running([fakeService("api", seen, { behaviour: { isOne: true } })]);
    const [step] = await group.perform("restart", ["api"]);
    expect(step).toMatchObject({ outcome: "done", generation: 3 });
    expect(step?.note).toContain("stopped first");
    expect(seen).toEqual(["starting api", "up api", "down api", "down api", "starting api", "up api"]);
    expect(state("api")).not.toHaveProperty("note");
  });

  test("the whole group stopping in the middle ends both, the new one first, within the budget", async () => {
    const ends: number[] = [];
    const behaviour = {
      start: (generation: number) => (generation === 2 ? never() : undefined),
      stop(generation: number) {
        ends.push(generation);
        return generation === 2 ? never() : undefined;
      },
    };
    const { clock, group } = await running([fakeService("api", [], { stopTimeout: 4_000, behaviour })]);
    const restarting = group.perform("restart", ["api"]);
    await settle();
    const stopping = group.stop({ tag: "request" });
    await clock.tick(4_000);
    const report = await stopping;
    expect(ends).toEqual([2, 1]);
    expect(report.durationMs).toBe(2_000);
    expect(report.services[0]).toMatchObject({ outcome: "stopped", leftBehind: [{ generation: 2 }] });
    expect((await restarting)[0]?.error?.code).toBe("STOPPING");
  });
});

describe("group.perform() stop and start", () => {
  test("what an operator has stopped stays stopped, ends nothing, and starts again as the next generation", async () => {
    const { clock, group, state } = await running([fakeService("api")]);
    expect(await group.perform("stop", ["api"])).toMatchObject([{ action: "stop", outcome: "done" }]);
    await clock.tick(100_000);
    expect(state("api")).toMatchObject({ state: "stopped", stoppedBy: "operator" });
    expect((await group.perform("stop", ["api"]))[0]?.action).toBe("unchanged");
    expect(await group.perform("start", ["api"])).toMatchObject([{ action: "start", generation: 2 }]);
    expect((await group.perform("start", ["api"]))[0]?.action).toBe("unchanged");
    expect(state("api")).not.toHaveProperty("stoppedBy");
  });

  test("stop names the services that depend on it and still run", async () => {
    const { group } = await running([
      fakeService("db"),
      fakeService("api", [], { dependsOn: { db: "ready" } }),
    ]);
    const [step] = await group.perform("stop", ["db"]);
    expect(step?.note).toBe("still running, though they depend on it: api");
  });

  test("several at once go along the dependencies: up with those who are needed first, down with them last", async () => {
    const seen: string[] = [];
    const { group } = await running([
      fakeService("api", seen, { dependsOn: { db: "ready" }, replace: "stop-first" }),
      fakeService("db", seen, { replace: "stop-first" }),
    ]);
    const steps = await group.perform("restart", ["api", "db"]);
    expect(steps).toMatchObject([
      { subject: "api", outcome: "done" },
      { subject: "db", outcome: "done" },
    ]);
    seen.length = 0;
    await group.perform("stop", ["db", "api"]);
    await group.perform("start", ["api", "db"]);
    expect(seen.filter((line) => /^(up|down)/.test(line))).toEqual([
      "down api",
      "down db",
      "up db",
      "up api",
    ]);
  });

  test("start refuses while an operator keeps a dependency away, and says which", async () => {
    const { group, state } = await running([
      fakeService("db"),
      fakeService("api", [], { dependsOn: { db: "ready" } }),
    ]);
    await group.perform("stop", ["api", "db"]);
    const [step] = await group.perform("start", ["api"]);
    expect(step?.error).toMatchObject({
      code: "DEPENDENCY_NOT_READY",
      hint: "Start it first: supervisor start db",
    });
    expect(state("api")?.state).toBe("stopped");
  });

  test("start does not wait any longer once an operator has stopped what it waits for", async () => {
    const behaviour = { start: () => Promise.reject(new Error("no disk")) };
    const { group, state } = await running([
      fakeService("db", [], { behaviour, critical: false }),
      fakeService("api", [], { dependsOn: { db: "ready" }, critical: false }),
    ]);
    expect(state("db")?.state).toBe("backoff");
    await group.perform("stop", ["api"]);
    const starting = group.perform("start", ["api"]);
    await settle();
    expect(state("api")?.state).toBe("pending");
    await group.perform("stop", ["db"]);
    const [step] = await starting;
    expect(step?.error).toMatchObject({
      code: "DEPENDENCY_NOT_READY",
      hint: "Start it first: supervisor start db",
    });
  });

  test("an operator's start that is given up does not end the group, though the service is critical", async () => {
    const behaviour = {
      start: (generation: number) =>
        generation === 2 ? Promise.reject(new PermanentError("bad code")) : undefined,
    };
    const { group, state } = await running([fakeService("api", [], { behaviour }), fakeService("other")]);
    await group.perform("stop", ["api"]);
    expect((await group.perform("start", ["api"]))[0]?.error?.message).toBe("bad code");
    expect(state("api")?.state).toBe("failed");
    expect(state("other")?.state).toBe("ready");
    expect((await group.perform("start", ["api"]))[0]).toMatchObject({ outcome: "done", generation: 3 });
  });

  test("operations on one service run one after the other, on different services at once", async () => {
    const seen: string[] = [];
    const behaviour = { stop: () => never() };
    const { clock, group } = await running([
      fakeService("slow", seen, { stopTimeout: 1_000, behaviour }),
      fakeService("quick", seen),
    ]);
    const slow = [group.perform("stop", ["slow"]), group.perform("start", ["slow"])];
    expect((await group.perform("stop", ["quick"]))[0]?.outcome).toBe("done");
    await clock.tick(1_000);
    const [stop, start] = (await Promise.all(slow)).flat();
    expect(stop?.note).toContain("abandoned");
    expect(start?.action).toBe("start");
  });

  test("once the group stops, every step fails with STOPPING", async () => {
    const { group } = await running([fakeService("api")]);
    const stopping = group.stop({ tag: "request" });
    const steps = await group.perform("restart", ["api", "unknown"]);
    expect(steps.map((step) => step.error?.code)).toEqual(["STOPPING", "STOPPING"]);
    await stopping;
  });

  test("a name that no service has is a failed step that lists the names", async () => {
    const { group } = await running([fakeService("api")]);
    const [step] = await group.perform("start", ["apx"]);
    expect(step?.error).toMatchObject({ code: "UNKNOWN_SERVICE", hint: "The services are: api" });
  });
});

describe("group.perform() pause and resume", () => {
  test("a service that is resumed while it is stopped lets work in when it is back", async () => {
    const seen: string[] = [];
    const { group, state } = await running([fakeService("api", seen)]);
    for (const verb of ["pause", "stop", "resume", "start"] as const) await group.perform(verb, ["api"]);
    expect(seen.filter((line) => /^(pause|resume) /.test(line))).toEqual(["pause api 1", "resume api 1"]);
    expect(state("api")).not.toHaveProperty("paused");
  });

  test("a paused service stays paused across a replace and a crash, until it is resumed", async () => {
    const seen: string[] = [];
    const api = fakeService("api", seen);
    const { clock, group, state } = await running([api]);
    await group.perform("pause", ["api"]);
    expect((await group.perform("pause", ["api"]))[0]?.action).toBe("unchanged");
    const [step] = await group.perform("restart", ["api"]);
    expect(step?.note).toContain("paused");
    api.reports[1]?.failed(new Error("boom"));
    await clock.tick(1_000);
    expect(state("api")).toMatchObject({ state: "ready", generation: 3, paused: true });
    expect(seen.filter((line) => line.startsWith("pause"))).toEqual([
      "pause api 1",
      "pause api 2",
      "pause api 3",
    ]);
    await group.perform("resume", ["api"]);
    expect(seen.at(-1)).toBe("resume api 3");
    expect(state("api")).not.toHaveProperty("paused");
  });
});

describe("group.update()", () => {
  const change = { shutdown, added: [], removed: [], changed: [], reconfigured: [] };

  test("stops what is removed, starts what is added, replaces what changed, leaves the rest alone", async () => {
    const seen: string[] = [];
    const [stays, changes, goes] = ["stays", "changes", "goes"].map((name) => fakeService(name, seen));
    const { group } = await running([stays, changes, goes] as Member[]);
    const comes = fakeService("comes", seen);
    const changed = fakeService("changes", seen, { dependsOn: { comes: "ready" } });
    seen.length = 0;
    const steps = await group.update({
      ...change,
      members: [changed, stays as Member, comes],
      added: ["comes"],
      removed: ["goes"],
      changed: ["changes"],
    });
    expect(steps.map(({ subject, action, outcome }) => [subject, action, outcome])).toEqual([
      ["goes", "remove", "done"],
      ["comes", "add", "done"],
      ["changes", "replace", "done"],
    ]);
    expect(seen).toEqual([
      "down goes",
      "starting comes",
      "up comes",
      "starting changes",
      "up changes",
      "down changes",
    ]);
    expect(group.snapshots().map(({ name, generation }) => [name, generation])).toEqual([
      ["changes", 2],
      ["stays", 1],
      ["comes", 1],
    ]);
    // What came to depend on a newcomer stops before it.
    const report = await group.stop({ tag: "request" });
    expect(report.services.map((stop) => stop.service)).toEqual(["changes", "comes", "stays"]);
  });

  test("hands a config over where the service takes it, and replaces where it does not", async () => {
    const taken: unknown[] = [];
    const nextConfig = async () => ({ size: 2 });
    const reload = async (_: number, config: unknown) => taken.push(config) > 0;
    const takes = fakeService("takes", [], { nextConfig, behaviour: { reload } });
    const cannot = fakeService("cannot", [], { nextConfig });
    const throws = fakeService("throws", [], {
      nextConfig,
      behaviour: { reload: () => Promise.reject(new Error("no")) },
    });
    const members = [takes, cannot, throws];
    const { group } = await running(members);
    const steps = await group.update({ ...change, members, reconfigured: ["takes", "cannot", "throws"] });
    expect(taken).toEqual([{ size: 2 }]);
    expect(steps.map(({ action, generation }) => [action, generation])).toEqual([
      ["reconfigure", 1],
      ["replace", 2],
      ["replace", 2],
    ]);
  });

  test("a changed service whose next generation fails stays what it was, also after a crash", async () => {
    const old = fakeService("api");
    const { clock, group, state } = await running([old]);
    const bad = fakeService("api", [], { behaviour: { load: () => Promise.reject(new Error("bad")) } });
    const [step] = await group.update({ ...change, members: [bad], changed: ["api"] });
    expect(step).toMatchObject({ action: "replace", outcome: "failed", error: { message: "bad" } });
    old.reports[0]?.failed(new Error("boom"));
    await clock.tick(1_000);
    expect(old.reports).toHaveLength(2);
    expect(state("api")).toMatchObject({ state: "ready", generation: 3 });
  });
});

function fail(generation: number): Promise<void> | void {
  if (generation === 2) return Promise.reject(new Error(`no ${generation}`));
}
