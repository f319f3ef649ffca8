import { describe, expect, test } from "bun:test";
import type { Brokers } from "../src/brokers.ts";
import { createBrokers } from "../src/brokers.ts";
import type { ConsumerStats } from "../src/core/consumer-stats.ts";
import { createLogger } from "../src/core/log.ts";
import type { BrokerPlan, ConsumePlan, SchedulePlan, ServicePlan } from "../src/core/plan.ts";
import { createIntakes } from "../src/intakes.ts";
import type { FarSchedule } from "../src/schedule/stored-schedule.ts";
import { FakeClock } from "./support/fake-clock.ts";

const consume: ConsumePlan = {
  broker: "main",
  queues: [{ queue: "mails", weight: 1 }],
  strict: false,
  concurrency: 2,
  buffer: 10,
  timeout: 0,
  lease: 30_000,
  retry: { attempts: 3, backoff: { min: 1_000, max: 2_000, factor: 2 } },
};
const schedule: SchedulePlan = {
  cron: "@every 1m",
  timezone: "UTC",
  overlap: "skip",
  catchUp: "skip",
  jitter: 0,
  timeout: 0,
  broker: "main",
};
const service = (name: string, work: Partial<ServicePlan>) => ({ name, ...work }) as ServicePlan;
const mails = service("mails", { consume });
const main: BrokerPlan = { name: "main", scheme: "memory", url: "memory:" };

function setUp(overrides: Partial<Brokers> = {}) {
  const clock = new FakeClock();
  const log = createLogger(() => {}, clock.wall.bind(clock));
  const brokers = createBrokers({ brokers: [main], clock, random: () => 0.5, log });
  const used = { ...brokers, ...overrides };
  return createIntakes({ brokers: used, clock, random: () => 0.5, sink: () => {} });
}

describe("createIntakes()", () => {
  test("a service without a queue or a schedule has none, and neither has one in a thread of its own", async () => {
    const intakes = setUp();
    const threaded = service("threaded", { consume, worker: { instances: 1 } });
    await intakes.prepare({ services: [service("api", {}), threaded], brokers: [main] });
    expect(intakes.enter(service("api", {})).intakes).toEqual([]);
    expect(intakes.enter(threaded).intakes).toEqual([]);
    expect(intakes.work()).toEqual({});
  });

  test("generations of the same plan share theirs, one of another plan has new ones", async () => {
    const intakes = setUp();
    await intakes.prepare({ services: [mails], brokers: [main] });
    const first = intakes.enter(mails);
    expect(first.intakes.length).toBe(1);
    expect(intakes.enter(mails).intakes[0]).toBe(first.intakes[0] as never);
    const changed = service("mails", { consume: { ...consume, concurrency: 3 } });
    await intakes.prepare({ services: [changed], brokers: [main] });
    expect(intakes.enter(changed).intakes[0]).not.toBe(first.intakes[0] as never);
    // One that is brought back, because the new generation has failed, finds what it had.
    expect(intakes.enter(mails).intakes[0]).toBe(first.intakes[0] as never);
  });

  test("another URL of its broker makes new ones", async () => {
    const intakes = setUp();
    await intakes.prepare({ services: [mails], brokers: [main] });
    const before = intakes.enter(mails).intakes[0];
    await intakes.prepare({ services: [mails], brokers: [{ ...main, url: "sqlite:/elsewhere.db" }] });
    expect(intakes.enter(mails).intakes[0]).not.toBe(before as never);
  });

  test("what the plan has no more is closed when the last generation has left, not before", async () => {
    const ended: string[] = [];
    const intakes = setUp({ watch: (name) => () => ended.push(name) });
    await intakes.prepare({ services: [mails], brokers: [main] });
    const [one, other] = [intakes.enter(mails), intakes.enter(mails)];
    await intakes.prepare({ services: [], brokers: [main] });
    one.leave();
    expect(ended).toEqual([]);
    other.leave();
    expect(ended).toEqual(["main"]);
    expect(intakes.work()).toEqual({});
  });

  test("a service that restarts keeps its own, although no generation is there meanwhile", async () => {
    const intakes = setUp();
    await intakes.prepare({ services: [mails], brokers: [main] });
    const first = intakes.enter(mails);
    first.leave();
    expect(intakes.enter(mails).intakes[0]).toBe(first.intakes[0] as never);
  });

  test("watch() tells each generation of the trouble of its broker, now and at changes, until it leaves", async () => {
    let tell: (trouble: string | undefined) => void = () => {};
    const intakes = setUp({
      watch(_, listener) {
        tell = listener;
        return () => {};
      },
    });
    await intakes.prepare({ services: [mails], brokers: [main] });
    const seen: string[] = [];
    const first = intakes.enter(mails);
    first.watch((trouble) => seen.push(`first ${trouble}`));
    tell("away");
    tell("away");
    intakes.enter(mails).watch((trouble) => seen.push(`second ${trouble}`));
    first.leave();
    tell(undefined);
    expect(seen).toEqual(["first away", "second away", "second undefined"]);
  });

  test("work() has what consumers and schedules do, also what threads have told, until the plan drops them", async () => {
    const intakes = setUp();
    const nightly = service("nightly", { schedule });
    const threaded = service("threaded", { consume, worker: { instances: 1 } });
    await intakes.prepare({ services: [mails, nightly, threaded], brokers: [main] });
    intakes.enter(mails);
    intakes.enter(nightly);
    const told = { consumer: { done: 7 } as ConsumerStats };
    intakes.note("threaded", told, {});
    expect(intakes.work()).toMatchObject({
      mails: { consumer: { received: 0, done: 0 } },
      nightly: { schedule: { running: 0, done: 0, next: expect.any(Number) } },
      threaded: told,
    });
    expect("nextRuns" in (intakes.schedule("nightly") ?? {})).toBe(true);
    expect(intakes.schedule("mails")).toBeUndefined();
    await intakes.prepare({ services: [mails, nightly], brokers: [main] });
    expect(Object.keys(intakes.work())).toEqual(["mails", "nightly"]);
  });

  test("work() of a service in threads is that of its newest generation, or of the last one when none is left", async () => {
    const intakes = setUp();
    const threaded = service("threaded", { consume, worker: { instances: 1 } });
    await intakes.prepare({ services: [threaded], brokers: [main] });
    const done = (count: number) => ({ consumer: { done: count } as ConsumerStats });
    const [old, next, third] = [{}, {}, {}];
    intakes.note("threaded", done(1), old);
    intakes.note("threaded", done(2), next);
    intakes.note("threaded", done(3), old);
    expect(intakes.work()).toEqual({ threaded: done(2) });
    intakes.forget("threaded", next);
    expect(intakes.work()).toEqual({ threaded: done(3) });
    intakes.forget("threaded", old);
    intakes.forget("threaded", old);
    expect(intakes.work()).toEqual({ threaded: done(3) });
    intakes.note("threaded", done(4), third);
    expect(intakes.work()).toEqual({ threaded: done(4) });
  });

  test("schedule() of a service in a thread is that of the newest generation that has not ended", () => {
    const intakes = setUp();
    const far = (): FarSchedule => ({ runNow: async () => undefined, runs: 0, isPaused: false });
    const [old, next] = [far(), far()];
    expect(intakes.schedule("threaded")).toBeUndefined();
    const leaveOld = intakes.keep("threaded", old);
    const leaveNext = intakes.keep("threaded", next);
    expect(intakes.schedule("threaded")).toBe(next);
    leaveNext();
    expect(intakes.schedule("threaded")).toBe(old);
    leaveOld();
    leaveOld();
    expect(intakes.schedule("threaded")).toBeUndefined();
  });
});
