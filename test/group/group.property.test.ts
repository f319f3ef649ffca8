import { expect, test } from "bun:test";
import fc from "fast-check";
import type { StepResult, Verb } from "../../src/core/command.ts";
import { PermanentError } from "../../src/core/errors.ts";
import { createEvents } from "../../src/core/events.ts";
import type { DependencyCondition } from "../../src/core/plan.ts";
import { createGroup } from "../../src/group/group.ts";
import type { Host, HostReport, Member } from "../../src/group/host.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fakeService } from "../support/fake-service.ts";

const budget = 10_000;

/** What a hook of the world does when it is called: at once, later, never, or fail. */
const outcome = fc.constantFrom("now", "now", "now", "later", "never", "fail", "permanent");

const service = fc.record({
  critical: fc.boolean(),
  load: outcome,
  start: outcome,
  /** Of every second generation. */
  nextLoad: outcome,
  nextStart: outcome,
  replace: fc.constantFrom("start-first", "start-first", "stop-first"),
  reload: fc.constantFrom("none", "taken", "refused", "fail", "never"),
  stop: fc.constantFrom("now", "now", "later", "never", "fail"),
  health: fc.constantFrom("none", "none", "pass", "fail", "never"),
  needs: fc.array(fc.tuple(fc.nat(5), fc.constantFrom("started", "ready", "completed")), { maxLength: 2 }),
  stopTimeout: fc.option(fc.integer({ min: 100, max: 1_000 }), { nil: undefined }),
});

const step = fc.oneof(
  fc.record({ tag: fc.constant("tick" as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  fc.record({ tag: fc.constant("crash" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("complete" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("late" as const), service: fc.nat(5) }),
  fc.record({ tag: fc.constant("stop" as const) }),
);

const order = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      tag: fc.constant("perform" as const),
      verb: fc.constantFrom<Verb>("start", "stop", "restart", "restart", "pause", "resume"),
      service: fc.nat(5),
    }),
  },
  fc.record({
    tag: fc.constant("update" as const),
    /** For each service what becomes of it: gone, or there in one of the ways that a plan can be another. */
    fates: fc.array(fc.constantFrom("gone", "same", "same", "changed", "reconfigured"), {
      minLength: 6,
      maxLength: 6,
    }),
  }),
);

/** One generation, as the world saw it. */
interface Life {
  readonly name: string;
  readonly generation: number;
  readonly report: HostReport;
  begun: boolean;
  up: boolean;
  ending: boolean;
  ended: boolean;
}

type Spec = typeof service extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step | typeof order extends fc.Arbitrary<infer T> ? T : never;

/** A group of made-up services, and every promise that can be checked while it runs. */
class World {
  readonly clock = new FakeClock();
  readonly events = createEvents();
  readonly lives: Life[] = [];
  readonly starts: string[] = [];
  readonly finalStops: string[] = [];
  readonly broken: string[] = [];
  readonly results: Promise<StepResult[]>[] = [];
  readonly group;
  readonly #specs: readonly Spec[];
  #members: readonly Member[];
  #stopping = false;

  constructor(specs: readonly Spec[], stopOrder: "reverse" | "graph") {
    const { clock, events } = this;
    this.#specs = specs;
    this.#members = specs.map((_, index) => this.#member(index, () => true));
    const shutdown = { timeout: budget, delay: 0, order: stopOrder, streamsTimeout: 1_000 } as const;
    this.group = createGroup({ members: this.#members, shutdown, clock, random: () => 0.5, events });
    events.on((event) => {
      if (event.type === "groupStopping") this.#stopping = true;
      if (this.#stopping && event.type === "serviceChanged" && event.from !== event.snapshot.state) {
        expect(["starting", "loading"]).not.toContain(event.snapshot.state);
      }
    });
    this.shutdown = shutdown;
  }

  readonly shutdown;

  take(step: Step): void {
    const { group, lives, clock, results } = this;
    const life = "service" in step ? lives.findLast(({ name }) => name === `s${step.service}`) : undefined;
    if (step.tag === "crash") life?.report.failed(new Error("crash"));
    else if (step.tag === "complete") life?.report.completed();
    else if (step.tag === "late") lives[0]?.report.failed(new Error("late"));
    else if (step.tag === "perform") results.push(group.perform(step.verb, [`s${step.service}`]));
    else if (step.tag === "update") this.#update(step.fates);
    else if (step.tag === "stop") void group.stop({ tag: "request" });
    else void clock;
  }

  #update(fates: readonly string[]): void {
    const before = new Set(this.#members.map(({ name }) => name));
    const stays = (index: number) => fates[index] !== "gone";
    const kept = this.#specs.map((_, index) => index).filter(stays);
    if (kept.length === 0) return;
    this.#members = kept.map((index) => this.#member(index, stays));
    const names = (fate: string) =>
      kept.filter((index) => fates[index] === fate && before.has(`s${index}`)).map((index) => `s${index}`);
    const change = {
      members: this.#members,
      shutdown: this.shutdown,
      added: kept.map((index) => `s${index}`).filter((name) => !before.has(name)),
      removed: [...before].filter((name) => !this.#members.some((member) => member.name === name)),
      changed: names("changed"),
      reconfigured: names("reconfigured"),
    };
    this.results.push(this.group.update(change));
  }

  #member(index: number, exists: (index: number) => boolean): Member {
    const spec = this.#specs[index] as Spec;
    const name = `s${index}`;
    // Only earlier services: no cycles, as the plan promises.
    const needs = spec.needs.filter(([need]) => need < index && exists(need));
    const dependsOn = Object.fromEntries(
      needs.map(([need, condition]) => [`s${need}`, condition as DependencyCondition]),
    );
    const { critical, replace, stopTimeout } = spec;
    return {
      ...fakeService(name, [], { critical, dependsOn, replace }),
      ...(stopTimeout === undefined ? {} : { stopTimeout }),
      nextConfig: async () => "next",
      createHost: (generation, report) => this.#host(name, spec, generation, report),
    };
  }

  #host(name: string, spec: Spec, generation: number, report: HostReport): Host {
    const { lives } = this;
    const before = lives.filter((life) => life.name === name && !life.ended);
    // Beside one that serves, or that makes room, another may come up; never two at a time.
    this.#claim(
      before.every((life) => life.up || life.ending),
      `two generations of ${name} come up at once`,
    );
    this.#claim(!this.#stopping, `${name} is loaded after the stop began`);
    const life: Life = { name, generation, report, begun: false, up: false, ending: false, ended: false };
    lives.push(life);
    const isOdd = generation % 2 === 1;
    return {
      probes: spec.health !== "none",
      load: () => this.#perform(isOdd ? spec.load : spec.nextLoad),
      start: async () => {
        this.#claim(!this.#stopping, `${name} starts after the stop began`);
        this.#claim(!life.begun && !life.ending, `${name} starts twice`);
        life.begun = true;
        if (!this.starts.includes(name)) this.starts.push(name);
        await this.#perform(isOdd ? spec.start : spec.nextStart);
        life.up = true;
      },
      health: async () => {
        await this.#perform(spec.health);
        return { status: "pass" };
      },
      reload: async () => {
        await this.#perform(spec.reload);
        return spec.reload === "taken";
      },
      pause() {},
      resume() {},
      quiet() {},
      stop: async ({ final }) => {
        this.#claim(!life.ending, `${name} is stopped twice`);
        life.ending = true;
        if (final) this.finalStops.push(name);
        try {
          await this.#perform(spec.stop);
          return { cutStreams: 0 };
        } finally {
          life.ended = true;
        }
      },
      held: () => ({ requests: 0, streams: 0, websockets: 0, hooks: ["stop"] }),
      abandon() {
        life.ended = true;
        return this.held();
      },
    };
  }

  /** Noted, because whoever calls a host may well catch what it throws. */
  #claim(holds: boolean, broken: string): void {
    if (!holds) this.broken.push(broken);
  }

  #perform(what: string): Promise<void> {
    if (what === "later") return new Promise((resolve) => void this.clock.after(700, resolve));
    if (what === "never") return new Promise(() => {});
    if (what === "fail") return Promise.reject(new Error("failed"));
    if (what === "permanent") return Promise.reject(new PermanentError("failed for good"));
    return Promise.resolve();
  }
}

async function play(world: World, steps: readonly Step[]): Promise<void> {
  world.group.start();
  await settle();
  for (const step of steps) {
    if (step.tag === "tick") await world.clock.tick(step.ms);
    else world.take(step);
    await settle();
  }
}

async function end({ group, clock, lives, results, broken }: World) {
  const stopped = group.stop({ tag: "request" });
  await clock.tick(budget);
  const report = await stopped;
  expect(report.durationMs).toBeLessThanOrEqual(budget);
  expect(broken).toEqual([]);
  // Nothing that was loaded stays without its end.
  expect(lives.filter((life) => !life.ending || !life.ended)).toEqual([]);
  for (const { outcome, error } of (await Promise.all(results)).flat()) {
    expect(error !== undefined).toBe(outcome === "failed");
  }
  await clock.tick(100_000);
  expect(clock.pending).toBe(0);
  return report;
}

const services = fc.array(service, { minLength: 1, maxLength: 6 });
const stopOrders = fc.constantFrom("reverse" as const, "graph" as const);

test("any sequence of failures, completions, time and stops keeps the promises of the group", async () => {
  await fc.assert(
    fc.asyncProperty(services, fc.array(step, { maxLength: 25 }), stopOrders, async (specs, steps, order) => {
      const world = new World(specs, order);
      const over = new Set<string>();
      world.events.on((event) => {
        if (event.type !== "serviceChanged") return;
        const { name, state } = event.snapshot;
        // A service that nobody touches never leaves its end.
        expect(over.has(name)).toBe(false);
        if (state === "stopped" || state === "completed" || state === "failed") over.add(name);
      });
      await play(world, steps);
      const report = await end(world);
      const { starts, finalStops } = world;
      expect(report.services.map((each) => each.service).sort()).toEqual(
        specs.map((_, index) => `s${index}`),
      );
      if (order !== "reverse") return;
      const reversed = starts.toReversed().filter((name) => finalStops.includes(name));
      expect(finalStops.filter((name) => starts.includes(name))).toEqual(reversed);
    }),
    { numRuns: 3_000 },
  );
});

test("any sequence of verbs and changes of plan among them keeps the promises of the group", async () => {
  const steps = fc.array(fc.oneof(step, { weight: 3, arbitrary: order }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(services, steps, stopOrders, async (specs, steps, order) => {
      const world = new World(specs, order);
      await play(world, steps);
      await end(world);
    }),
    { numRuns: 3_000 },
  );
});

test("services that somebody has stopped or paused among others end as they were asked to", async () => {
  const verbs = fc.array(fc.tuple(fc.constantFrom<Verb>("start", "stop", "restart"), fc.nat(2)), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(verbs, fc.array(fc.nat(800), { maxLength: 20 }), async (asked, pauses) => {
      const sound = { load: "later", start: "later", nextLoad: "now", nextStart: "later", stop: "later" };
      const spec = {
        ...sound,
        critical: true,
        health: "none",
        needs: [],
        reload: "none",
        stopTimeout: undefined,
      };
      const specs = [0, 1, 2].map(() => ({ ...spec, replace: "start-first" }) as Spec);
      const world = new World(specs, "reverse");
      await play(world, [{ tag: "tick", ms: 5_000 }]);
      for (const [index, [verb, of]] of asked.entries()) {
        world.take({ tag: "perform", verb, service: of });
        await world.clock.tick(pauses[index] ?? 0);
      }
      await world.clock.tick(100_000);
      const last = new Map(asked.map(([verb, of]) => [`s${of}`, verb]));
      for (const { name, state } of world.group.snapshots()) {
        expect(state).toBe(last.get(name) === "stop" ? "stopped" : "ready");
      }
      const steps = (await Promise.all(world.results)).flat();
      expect(steps.filter(({ outcome }) => outcome !== "done")).toEqual([]);
      await end(world);
    }),
    { numRuns: 500 },
  );
});
