import { describe, expect, test } from "bun:test";
import { PermanentError, SupervisorError } from "../../src/core/errors.ts";
import type { SchedulePlan } from "../../src/core/plan.ts";
import type { ScheduleRun } from "../../src/core/task.ts";
import type { ScheduleIntakeOptions } from "../../src/schedule/schedule-intake.ts";
import { createScheduleIntake } from "../../src/schedule/schedule-intake.ts";
import type { Context, Service } from "../../src/service/contract.ts";
import type { IntakeTarget } from "../../src/service/intake.ts";
import type { Tick } from "../../src/service/message.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import type { FakeStore } from "./fake-store.ts";
import { createFakeStore } from "./fake-store.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A clock that can also be set, as NTP and a suspended machine do it. */
class WallClock extends FakeClock {
  offset = 0;
  override wall(): number {
    return super.wall() + this.offset;
  }
  /** The longest timer that was asked for. */
  longest = 0;
  override after(delayMs: number, callback: () => void): () => void {
    this.longest = Math.max(this.longest, delayMs);
    return super.after(delayMs, callback);
  }
  /** To the next full hour. */
  async toFullHour(): Promise<number> {
    await this.tick(hour - (this.wall() % hour));
    return this.wall();
  }
}

interface Setup {
  readonly plan?: Partial<SchedulePlan>;
  readonly store?: FakeStore;
  readonly clock?: WallClock;
  readonly owner?: string;
  readonly changed?: boolean;
  readonly scheduled?: (tick: Tick) => unknown;
  readonly enqueue?: ScheduleIntakeOptions["enqueue"];
}

/** One replica with a schedule; its runs end when the test says so, unless `scheduled` is given. */
function replica({
  plan,
  store = createFakeStore(),
  clock = new WallClock(),
  owner = "a",
  ...rest
}: Setup = {}) {
  const logged: string[] = [];
  const durations: unknown[] = [];
  const troubles: (string | undefined)[] = [];
  const ticks: Tick[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const entered: number[] = [];
  const log = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    logged.push(`${level}: ${message}${fields?.error ? ` (${(fields.error as Error).message})` : ""}`);
    if (fields?.durationMs !== undefined) durations.push(fields.durationMs);
  };
  const intake = createScheduleIntake({
    service: "nightly",
    plan: {
      cron: "@hourly",
      timezone: "UTC",
      overlap: "skip",
      catchUp: "skip",
      jitter: 0,
      timeout: 0,
      broker: "main",
      ...plan,
    },
    store: () => store,
    owner,
    clock,
    random: () => 0.5,
    log: { debug: () => {}, info: log("info"), warn: log("warn"), error: log("error"), fatal: log("fatal") },
    trouble: (reason) => void troubles.push(reason),
    ...(rest.changed ? { changed: true } : {}),
    ...(rest.enqueue ? { enqueue: rest.enqueue } : {}),
  });
  const scheduled =
    rest.scheduled ??
    (() => {
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    });
  const target = (): IntakeTarget => {
    const service: Service = {
      scheduled: (tick) => {
        ticks.push(tick);
        return scheduled(tick) as Promise<void>;
      },
    };
    const life = {
      service,
      ctx: {} as Context,
      enter: <T>(work: () => T): T => {
        entered.push(clock.wall());
        return work();
      },
    };
    return { scope: {} as IntakeTarget["scope"], life };
  };
  return { intake, store, clock, logged, durations, troubles, ticks, ends, entered, target };
}

async function opened(setup?: Setup) {
  const one = replica(setup);
  await one.intake.join?.();
  return { ...one, lease: one.intake.open(one.target()) };
}

const outcomes = (runs: readonly ScheduleRun[]) => runs.map(({ outcome, cause }) => [outcome, cause]);

describe("createScheduleIntake()", () => {
  test("calls scheduled() at its time with a tick, as code of the service, and writes down how it ended", async () => {
    const { clock, ticks, ends, entered, store, intake } = await opened();
    const at = await clock.toFullHour();
    expect(ticks.map((tick) => [tick.at.getTime(), tick.cause, tick.signal.aborted])).toEqual([
      [at, "clock", false],
    ]);
    expect(entered).toEqual([at]);
    expect(store.runs).toEqual([{ at, outcome: "running", startedAt: at, durationMs: 0, owner: "a" }]);
    await clock.tick(2_000);
    ends[0]?.resolve();
    await settle();
    expect(await intake.history(10)).toEqual([
      { at, outcome: "done", startedAt: at, durationMs: 2_000, owner: "a" },
    ]);
  });

  test("a run that throws is logged and in the history, and the next one runs", async () => {
    const { clock, ticks, ends, logged, store } = await opened();
    await clock.toFullHour();
    ends[0]?.reject(new Error("no such table"));
    await settle();
    expect(store.runs[0]).toMatchObject({ outcome: "failed", error: "no such table" });
    expect(logged).toEqual(["error: A scheduled run failed (no such table)"]);
    await clock.toFullHour();
    expect(ticks).toHaveLength(2);
  });

  test("stats() counts what became of the times, and what goes on", async () => {
    const { clock, ends, intake } = await opened();
    expect(intake.stats()).toEqual({ running: 0, done: 0, failed: 0, skipped: 0 });
    await clock.toFullHour();
    expect(intake.stats()).toMatchObject({ running: 1 });
    await clock.toFullHour();
    ends[0]?.resolve();
    await settle();
    expect(intake.stats()).toEqual({ running: 0, done: 1, failed: 0, skipped: 1 });
    await clock.toFullHour();
    ends[1]?.reject(new Error("no such table"));
    await settle();
    expect(intake.stats()).toEqual({ running: 0, done: 1, failed: 1, skipped: 1 });
  });

  test("a scheduled() that throws at once fails its run alone", async () => {
    const { clock, store } = await opened({
      scheduled: () => {
        throw new TypeError("not a function");
      },
    });
    await clock.toFullHour();
    expect(store.runs[0]).toMatchObject({ outcome: "failed", error: "not a function" });
  });

  test("runs each time once across replicas", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const a = await opened({ store, clock, owner: "a", scheduled: () => {} });
    const b = await opened({ store, clock, owner: "b", scheduled: () => {} });
    for (let runs = 0; runs < 5; runs++) await clock.toFullHour();
    expect(a.ticks.length + b.ticks.length).toBe(5);
    expect(store.runs).toHaveLength(5);
  });

  test("a run of another replica counts for the overlap, for as long as its process gives signs of life", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const plan = { cron: "* * * * *" };
    const a = await opened({ store, clock, owner: "a", plan });
    await clock.tick(minute);
    expect(a.ticks).toHaveLength(1);
    const b = await opened({ store, clock, owner: "b", plan });
    // Only b decides from here on.
    a.intake.pause();
    await clock.tick(minute + 10_000);
    expect(b.ticks).toHaveLength(0);
    expect(outcomes(store.runs)).toEqual([
      ["running", undefined],
      ["skipped", "overlap"],
    ]);
  });

  test("a time that a replica keeps behind its run is not taken away by one that only waits", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    await clock.toFullHour();
    const started: number[] = [];
    const scheduled = (tick: Tick) => {
      started.push(tick.at.getTime());
      return new Promise<void>((resolve) => clock.after(6_000, resolve));
    };
    const plan = { cron: "@every 4s", overlap: "queue" } as const;
    const a = await opened({ store, clock, owner: "a", plan, scheduled });
    await clock.tick(100);
    const b = await opened({ store, clock, owner: "b", plan, scheduled });
    await clock.tick(3 * minute);
    // One in three is left out, by whoever runs: a kept one begins when the one before has ended.
    expect(started.length).toBeGreaterThanOrEqual(29);
    for (const { at } of store.runs.filter(({ outcome }) => outcome === "skipped")) {
      expect(started).toContain(at - 4_000);
    }
    const taken = [...a.logged, ...b.logged].filter((line) => line.includes("another process"));
    expect(taken).toEqual([]);
  });

  test("a run gives a sign of life every five seconds, one after the other", async () => {
    const { clock, store } = await opened();
    await clock.toFullHour();
    await clock.tick(12_000);
    expect(store.runs[0]).toMatchObject({ outcome: "running", durationMs: 10_000 });
    let beats = 0;
    store.finish = () => {
      beats++;
      return new Promise(() => {});
    };
    await clock.tick(minute);
    expect(beats).toBeGreaterThan(1);
    expect(beats).toBeLessThanOrEqual(6);
  });

  test("gives up a run whose process is gone, says so in the history, and leaves out no time for it", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const startedAt = await clock.toFullHour();
    await clock.tick(hour - 2_000);
    store.runs.push({ at: startedAt, outcome: "running", startedAt, durationMs: 0, owner: "gone" });
    const { logged, ticks } = await opened({ store, clock });
    await clock.tick(12_000);
    expect(ticks).toHaveLength(0);
    await clock.tick(5_000);
    expect(ticks.map(({ at }) => at.getTime())).toEqual([startedAt + hour]);
    expect(store.runs[0]).toMatchObject({ outcome: "failed", error: "its process is gone", owner: "gone" });
    expect(logged).toEqual(["error: A run of the schedule has no end: its process is gone"]);
  });

  test("a crash a moment before the next time leaves that one not out", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const at = await clock.toFullHour();
    await clock.tick(hour - 2_000);
    store.runs.push({ at, outcome: "running", startedAt: at, durationMs: hour - 3_000, owner: "gone" });
    const { ticks } = await opened({ store, clock });
    await clock.tick(20_000);
    expect(ticks.map((tick) => tick.at.getTime())).toEqual([at + hour]);
  });

  test("a process that ended between two looks at its run is not taken for alive", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const b = await opened({ store, clock });
    const startedAt = await clock.toFullHour();
    b.ends[0]?.resolve();
    await settle();
    // Seen once by b, as the run of another replica, in the middle of its life.
    const going = { at: startedAt + 1, outcome: "running", startedAt, owner: "gone" } as const;
    store.runs.push({ ...going, durationMs: 0 });
    await b.intake.runNow();
    await clock.tick(hour / 2);
    store.runs[1] = { ...going, durationMs: hour / 2 };
    const at = await clock.toFullHour();
    await clock.tick(20_000);
    expect(b.ticks.at(-1)?.at.getTime()).toBe(at);
    expect(store.runs[1]).toMatchObject({ outcome: "failed" });
  });

  test("writes an end to a run whose process is gone without waiting for the next time", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const at = await clock.toFullHour();
    store.runs.push({ at, outcome: "running", startedAt: at, durationMs: 0, owner: "gone" });
    await opened({ store, clock });
    await clock.tick(20_000);
    expect(store.runs[0]?.outcome).toBe("failed");
  });

  test("takes no run for gone whose process could not reach the store, or whose clock is behind", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const behind = new WallClock();
    behind.offset = -10 * minute;
    const plan = { cron: "*/10 * * * *" };
    const a = await opened({ store, clock: behind, owner: "a", plan });
    const b = await opened({ store, clock, owner: "b", plan: { ...plan, cron: "* * * * *" } });
    await behind.tick(10 * minute);
    expect(a.ticks).toHaveLength(1);
    a.intake.pause();
    const both = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        await clock.tick(1_000);
        await behind.tick(1_000);
      }
    };
    await both(minute);
    store.mode = "down";
    await both(2 * minute);
    store.mode = "up";
    await both(3 * minute);
    expect(b.ticks).toHaveLength(0);
    expect(store.runs[0]).toMatchObject({ owner: "a", outcome: "running" });
  });

  test("catches up once with what passed while no process ran", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const now = await clock.toFullHour();
    await clock.tick(10 * minute);
    store.runs.push({ at: now - 5 * hour, outcome: "done", owner: "before" });
    const { ticks } = await opened({ store, clock, plan: { catchUp: "once" } });
    await settle();
    expect(ticks.map(({ at, cause }) => [at.getTime(), cause])).toEqual([[now, "catch-up"]]);
    expect(store.runs.at(-1)).toMatchObject({ at: now, cause: "catch-up", outcome: "running" });
  });

  test("two replicas that start together catch up with all of it once, one run at a time", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const now = await clock.toFullHour();
    await clock.tick(10 * minute);
    store.runs.push({ at: now - 4 * hour, outcome: "done", owner: "before" });
    let going = 0;
    let most = 0;
    const scheduled = async () => {
      most = Math.max(most, ++going);
      await new Promise<void>((resolve) => void clock.after(2_000, resolve));
      going--;
    };
    const plan = { catchUp: "all" } as const;
    await Promise.all([
      opened({ store, clock, owner: "a", plan, scheduled }),
      opened({ store, clock, owner: "b", plan, scheduled }),
    ]);
    await clock.tick(30_000);
    expect(store.runs.map(({ at }) => at)).toEqual([-4, -3, -2, -1, 0].map((hours) => now + hours * hour));
    expect(store.runs.every(({ outcome }) => outcome === "done")).toBe(true);
    expect(most).toBe(1);
  });

  test("sleeps in short steps towards a time that is months away, so that it sees a clock that was set", async () => {
    const { clock, ticks } = await opened({ plan: { cron: "@yearly" } });
    const newYear = Date.parse("2024-01-01T00:00:00Z");
    await clock.tick(hour);
    expect(clock.longest).toBe(30_000);
    clock.offset += newYear - clock.wall() - 10_000;
    await clock.tick(30_000);
    expect(ticks.map(({ at }) => at.getTime())).toEqual([newYear]);
  });

  test("a machine that slept past a time has missed it; a clock set back runs nothing twice", async () => {
    const { clock, ticks, store, logged } = await opened({ scheduled: () => {} });
    const first = await clock.toFullHour();
    clock.offset += 90 * minute;
    await clock.tick(minute);
    expect(ticks).toHaveLength(1);
    expect(store.runs.at(-1)).toMatchObject({ at: first + hour, outcome: "skipped", cause: "missed" });
    expect(logged).toEqual(["warn: Scheduled runs are left out: their time has passed"]);
    clock.offset -= 100 * minute;
    await clock.tick(20 * minute);
    expect(ticks).toHaveLength(1);
  });

  test("tells the trouble of its store once, and runs what fell due once it answers, within its time", async () => {
    const { clock, ticks, store, troubles } = await opened();
    store.mode = "down";
    const at = await clock.toFullHour();
    await clock.tick(10 * minute);
    expect(ticks).toHaveLength(0);
    expect(troubles).toEqual(["connection refused"]);
    store.mode = "up";
    await clock.tick(10_000);
    expect(ticks.map((tick) => tick.at.getTime())).toEqual([at]);
    expect(troubles).toEqual(["connection refused", undefined]);
  });

  test("leaves out a time when the store is away until the next one, and runs that", async () => {
    const { clock, ticks, store, logged } = await opened();
    store.mode = "down";
    const first = await clock.toFullHour();
    await clock.tick(hour - 1);
    expect(logged).toEqual(["error: A scheduled run is left out: the broker is away"]);
    const next = await clock.toFullHour();
    expect(next).toBe(first + hour);
    store.mode = "up";
    await clock.tick(1_000);
    expect(ticks.map(({ at }) => at.getTime())).toEqual([next]);
  });

  test("runs a time whose claim was made although the answer was lost, once", async () => {
    const { clock, ticks, store } = await opened();
    const { claim } = store;
    store.claim = async (entry, run) => {
      store.claim = claim;
      await claim(entry, run);
      throw new SupervisorError("BROKER_UNREACHABLE", "connection reset", "Wait.");
    };
    await clock.toFullHour();
    await clock.tick(10_000);
    expect(ticks).toHaveLength(1);
    expect(outcomes(store.runs)).toEqual([["running", undefined]]);
  });

  test("a store that never answers counts as away, and keeps no stop waiting", async () => {
    const { clock, ticks, store, troubles, lease } = await opened();
    store.mode = "hung";
    await clock.toFullHour();
    await clock.tick(11_000);
    expect(troubles).toEqual(["The broker has not answered for 10 s"]);
    const drained = lease.drain({ final: true });
    await clock.tick(10_000);
    await drained;
    expect(ticks).toHaveLength(0);
    expect(clock.pending).toBe(0);
  });

  test("join() waits five seconds for the store, and then looks up the past as soon as it can", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const now = await clock.toFullHour();
    await clock.tick(10 * minute);
    store.runs.push({ at: now - hour, outcome: "done", owner: "before" });
    store.mode = "down";
    const one = replica({ store, clock, plan: { catchUp: "all" } });
    let isJoined = false;
    one.intake.join?.().then(() => {
      isJoined = true;
    });
    await clock.tick(4_900);
    expect(isJoined).toBe(false);
    await clock.tick(200);
    expect(isJoined).toBe(true);
    one.intake.open(one.target());
    await clock.tick(10_000);
    expect(one.ticks).toHaveLength(0);
    store.mode = "up";
    await clock.tick(5_000);
    expect(one.ticks.map(({ at, cause }) => [at.getTime(), cause])).toEqual([[now, "catch-up"]]);
  });

  test("join() rejects when the store refuses for good", async () => {
    const refused = new SupervisorError("BROKER_REFUSED", "wrong password", "Change it.");
    const store = { ...createFakeStore(), state: () => Promise.reject(refused) };
    const { intake } = replica({ store });
    expect(intake.join?.()).rejects.toBe(refused);
  });

  test("a run past its timeout is told to end, has failed, and still counts for the overlap", async () => {
    const { clock, ticks, ends, store, logged, durations } = await opened({
      plan: { cron: "* * * * *", timeout: 10_000 },
    });
    await clock.tick(minute);
    await clock.tick(11_000);
    expect(ticks[0]?.signal.aborted).toBe(true);
    expect(ticks[0]?.signal.reason).toEqual(new Error("the run did not end within 10s"));
    expect(logged).toEqual(["error: A scheduled run takes too long (the run did not end within 10s)"]);
    expect(durations).toEqual([10_000]);
    await clock.tick(minute);
    expect(ticks).toHaveLength(1);
    ends[0]?.resolve();
    await settle();
    expect(store.runs[0]).toMatchObject({ outcome: "failed", error: "the run did not end within 10s" });
    await clock.tick(minute);
    expect(ticks).toHaveLength(2);
  });

  test("writes one overlap a minute into the history, not one of every second", async () => {
    const { clock, store } = await opened({ plan: { cron: "@every 1s" } });
    await clock.tick(150_000);
    expect(outcomes(store.runs).filter(([outcome]) => outcome === "skipped").length).toBeLessThanOrEqual(3);
    expect(store.runs[0]).toMatchObject({ outcome: "running" });
  });

  test("a replacing generation takes over the timer at the same next time, and the old one's run counts", async () => {
    const one = await opened({ plan: { cron: "* * * * *", jitter: 20_000 } });
    const { clock, intake, lease, ticks, ends, store } = one;
    await clock.tick(minute + 15_000);
    expect(ticks).toHaveLength(1);
    const planned = intake.nextRuns(1);
    const second = intake.open(one.target());
    expect(intake.nextRuns(1)).toEqual(planned);
    const drained = lease.drain({ final: false });
    expect(lease.held().runs).toBe(1);
    await clock.tick(minute);
    expect(ticks).toHaveLength(1);
    expect(outcomes(store.runs).at(-1)).toEqual(["skipped", "overlap"]);
    ends[0]?.resolve();
    await drained;
    await clock.tick(minute);
    expect(ticks).toHaveLength(2);
    expect(second.held().runs).toBe(1);
  });

  test("work goes back to the earlier generation when the later one is drained first", async () => {
    const one = await opened();
    const second = one.intake.open(one.target());
    await second.drain({ final: false });
    await one.clock.toFullHour();
    expect(one.lease.held().runs).toBe(1);
  });

  test("another intake for the same entry runs no time that was claimed, and catches up with what was missed", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const plan = { cron: "*/30 * * * *", catchUp: "all" } as const;
    const first = await opened({ store, clock, scheduled: () => {} });
    const at = await clock.toFullHour();
    await first.lease.drain({ final: true });
    const second = await opened({ store, clock, plan, scheduled: () => {} });
    await clock.tick(1);
    expect(second.ticks).toHaveLength(0);
    await second.lease.drain({ final: true });
    await clock.tick(70 * minute);
    const third = await opened({ store, clock, plan, scheduled: () => {} });
    await settle();
    expect(third.ticks.map((tick) => tick.at.getTime())).toEqual([at + 30 * minute, at + 60 * minute]);
  });

  test("a changed expression catches up with nothing, and its next time is computed anew", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const first = await opened({ store, clock, scheduled: () => {} });
    const at = await clock.toFullHour();
    await clock.tick(40 * minute);
    const plan = { cron: "*/15 * * * *", catchUp: "all" } as const;
    const second = await opened({ store, clock, plan, changed: true, scheduled: () => {} });
    await first.lease.drain({ final: true });
    await settle();
    expect(second.ticks).toHaveLength(0);
    expect(second.intake.nextRuns(1)).toEqual([at + 45 * minute]);
    await clock.tick(5 * minute);
    expect(second.ticks).toHaveLength(1);
  });

  test("a run that goes on by the plan before a reload counts for the overlap", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const first = await opened({ store, clock });
    await clock.toFullHour();
    const second = await opened({ store, clock, plan: { cron: "* * * * *" }, changed: true });
    const drained = first.lease.drain({ final: true });
    await clock.tick(minute);
    expect(second.ticks).toHaveLength(0);
    first.ends[0]?.resolve();
    await drained;
    await clock.tick(minute);
    expect(second.ticks).toHaveLength(1);
  });

  test("quiet() begins nothing more; drain waits for the run; no timer is left", async () => {
    const { clock, intake, lease, ticks, ends, store } = await opened({ plan: { cron: "* * * * *" } });
    await clock.tick(minute);
    intake.quiet();
    await clock.tick(5 * minute);
    expect(ticks).toHaveLength(1);
    let isDrained = false;
    const drained = lease.drain({ final: true }).then(() => {
      isDrained = true;
    });
    await clock.tick(minute);
    expect(isDrained).toBe(false);
    expect(ticks[0]?.signal.aborted).toBe(false);
    ends[0]?.resolve();
    await drained;
    expect(store.runs).toHaveLength(1);
    expect(store.runs[0]?.outcome).toBe("done");
    expect(clock.pending).toBe(0);
  });

  test("cut() aborts the signal, ends the drain, and the history tells it", async () => {
    const { clock, lease, ticks, store } = await opened();
    await clock.toFullHour();
    const drained = lease.drain({ final: true });
    lease.cut();
    await drained;
    expect(ticks[0]?.signal.aborted).toBe(true);
    expect(store.runs[0]).toMatchObject({
      outcome: "failed",
      error: "The stop of the service cut this run off: its time was over",
    });
    expect(lease.held().runs).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("a time that a stopping generation could not claim is run by the next one", async () => {
    const one = await opened();
    one.store.mode = "down";
    const at = await one.clock.toFullHour();
    const drained = one.lease.drain({ final: false });
    await one.clock.tick(1_000);
    await drained;
    one.store.mode = "up";
    one.intake.open(one.target());
    await settle();
    expect(one.ticks.map((tick) => tick.at.getTime())).toEqual([at]);
  });

  test("setPaused() holds for all replicas until it is taken back; the times go by", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const a = await opened({ store, clock, owner: "a" });
    const b = await opened({ store, clock, owner: "b" });
    await a.intake.setPaused(true);
    await clock.toFullHour();
    expect([...a.ticks, ...b.ticks]).toEqual([]);
    expect(outcomes(store.runs)).toEqual([["skipped", "paused"]]);
    expect((await b.intake.info()).paused).toBe(true);
    await b.intake.setPaused(false);
    await clock.toFullHour();
    expect([...a.ticks, ...b.ticks]).toHaveLength(1);
  });

  test("pause() leaves the times to other replicas", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const a = await opened({ store, clock, owner: "a" });
    const b = await opened({ store, clock, owner: "b" });
    a.intake.pause();
    await clock.toFullHour();
    expect([a.ticks.length, b.ticks.length]).toEqual([0, 1]);
    b.ends[0]?.resolve();
    b.intake.pause();
    a.intake.resume();
    await clock.toFullHour();
    expect([a.ticks.length, b.ticks.length]).toEqual([1, 1]);
  });

  test("runNow() runs at once, paused or not, and takes no planned time away", async () => {
    const { clock, intake, ticks, ends, store } = await opened();
    const at = await clock.toFullHour();
    ends[0]?.resolve();
    await settle();
    await intake.setPaused(true);
    const run = await intake.runNow();
    expect(run).toMatchObject({ outcome: "running", cause: "manual", at: at + 1 });
    await settle();
    expect(ticks[1]?.cause).toBe("manual");
    ends[1]?.resolve();
    await settle();
    expect(outcomes(store.runs)).toEqual([
      ["done", undefined],
      ["done", "manual"],
    ]);
    expect((await intake.info()).lastAt).toBe(at);
  });

  test("runNow() starts no second run beside one that goes on, unless they may overlap", async () => {
    const one = await opened();
    await one.clock.toFullHour();
    expect(await one.intake.runNow()).toMatchObject({ outcome: "skipped", cause: "overlap" });
    const two = await opened({ plan: { overlap: "allow" } });
    await two.clock.toFullHour();
    expect(await two.intake.runNow()).toMatchObject({ outcome: "running" });
  });

  test("runNow() says why it cannot: the service is not ready, or the store is away", async () => {
    const { intake } = replica();
    expect(intake.runNow()).rejects.toMatchObject({ code: "UNSUPPORTED" });
    const away = await opened();
    away.store.mode = "down";
    expect(away.intake.runNow()).rejects.toMatchObject({ code: "BROKER_UNREACHABLE" });
    await settle();
    away.store.mode = "up";
    expect((await away.intake.info()).running).toBe(0);
  });

  test("info() tells the next times, the last run and how many go on", async () => {
    const { clock, intake } = await opened();
    const at = await clock.toFullHour();
    expect(await intake.info()).toEqual({
      entry: "nightly",
      cron: "@hourly",
      timezone: "UTC",
      paused: false,
      next: [1, 2, 3, 4, 5].map((hours) => at + hours * hour),
      lastAt: at,
      last: { at, outcome: "running", startedAt: at, durationMs: 0, owner: "a" },
      running: 1,
    });
  });

  test("lacks() misses scheduled() where nothing is enqueued", () => {
    expect(replica().intake.lacks?.({})).toBe("has schedule: but no scheduled()");
    expect(replica().intake.lacks?.({ scheduled: () => {} })).toBeUndefined();
    expect(replica({ plan: { enqueue: task }, enqueue: async () => {} }).intake.lacks?.({})).toBeUndefined();
  });
});

const task = { type: "report:daily", payload: { kind: "full" }, queue: "reports" } as const;

describe("createScheduleIntake() with enqueue", () => {
  test("puts one task per time, with an id that tells it from all others", async () => {
    const put: { id: string; at: number }[] = [];
    const { clock, store, ticks } = await opened({
      plan: { enqueue: task },
      enqueue: async (one) => void put.push(one),
    });
    const at = await clock.toFullHour();
    expect(put).toEqual([{ id: `schedule:nightly:${at}`, at }]);
    expect(store.runs[0]?.outcome).toBe("done");
    expect(ticks).toEqual([]);
  });

  test("tries again while the broker is away; a conflict means that the task is there", async () => {
    let tries = 0;
    const { clock, store } = await opened({
      plan: { enqueue: task },
      enqueue: async () => {
        if (++tries < 3) throw new SupervisorError("BROKER_UNREACHABLE", "gone", "Wait.");
        throw new SupervisorError("TASK_CONFLICT", "there is one", "None.");
      },
    });
    await clock.toFullHour();
    await clock.tick(1_000);
    expect(tries).toBe(3);
    expect(store.runs[0]?.outcome).toBe("done");
  });

  test("a task that `unique` keeps out is an overlap, one that is wrong has failed", async () => {
    const refusing = (error: Error) => ({ plan: { enqueue: task }, enqueue: () => Promise.reject(error) });
    const duplicate = await opened(refusing(new SupervisorError("TASK_DUPLICATE", "there is one", "Wait.")));
    await duplicate.clock.toFullHour();
    expect(duplicate.store.runs[0]).toMatchObject({ outcome: "skipped", cause: "overlap" });
    const wrong = await opened(refusing(new PermanentError("no such queue")));
    await wrong.clock.toFullHour();
    expect(wrong.store.runs[0]).toMatchObject({ outcome: "failed", error: "no such queue" });
  });

  test("enqueues what a process that is gone had claimed and perhaps not enqueued", async () => {
    const store = createFakeStore();
    const clock = new WallClock();
    const at = clock.wall() - hour;
    store.runs.push({ at, outcome: "running", startedAt: at, durationMs: 0, owner: "gone" });
    const put: string[] = [];
    await opened({ store, clock, plan: { enqueue: task }, enqueue: async ({ id }) => void put.push(id) });
    await clock.tick(20_000);
    expect(put).toEqual([`schedule:nightly:${at}`]);
    expect(store.runs[0]).toMatchObject({ outcome: "done" });
  });

  test("leaves a task that a stop kept from the broker to whoever comes next", async () => {
    const { clock, store, lease } = await opened({
      plan: { enqueue: task },
      enqueue: () => Promise.reject(new SupervisorError("BROKER_UNREACHABLE", "gone", "Wait.")),
    });
    await clock.toFullHour();
    const drained = lease.drain({ final: true });
    lease.cut();
    await clock.tick(1);
    await drained;
    expect(store.runs[0]?.outcome).toBe("running");
  });

  test("announces itself every ten seconds while it is open, and no schedule that calls its service does", async () => {
    const { clock, store, lease } = await opened({ plan: { enqueue: task }, enqueue: async () => {} });
    await settle();
    expect(store.announced).toHaveLength(1);
    expect(store.announced[0]).toMatchObject({
      entry: "nightly",
      cron: "@hourly",
      type: "report:daily",
      payload: '{"kind":"full"}',
      queue: "reports",
    });
    await clock.tick(30_000);
    expect(store.announced).toHaveLength(4);
    await lease.drain({ final: true });
    await clock.tick(30_000);
    expect(store.announced).toHaveLength(4);
    const calling = await opened();
    await calling.clock.tick(minute);
    expect(calling.store.announced).toEqual([]);
  });
});
