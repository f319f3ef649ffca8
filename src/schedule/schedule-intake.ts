import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { isPermanent } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type { ScheduleInfo, ScheduleRun } from "../core/task.ts";
import type { Intake } from "../service/intake.ts";
import { announceEvery, noticeOf } from "./announce.ts";
import { beatEvery } from "./claim.ts";
import type { Course, Occasion, Rules, Verdict } from "./course.ts";
import { createCourse, decide } from "./course.ts";
import type { CronTimes } from "./cron.ts";
import { nextTimes, parseCron } from "./cron.ts";
import { createKeeper } from "./keeper.ts";
import type { ScheduleLease } from "./lease.ts";
import { createLease } from "./lease.ts";
import { notReady } from "./not-ready.ts";
import { createStoreAccess } from "./store-access.ts";

export interface ScheduleIntakeOptions {
  /** The service, and the name of its entry in the store. */
  readonly service: string;
  readonly plan: SchedulePlan;
  /** Its times are others than those that this process has kept until now: nothing of the past is caught up with. */
  readonly changed?: boolean;
  readonly store: () => ScheduleStore | Promise<ScheduleStore>;
  /** For a plan with `enqueue`; resolves when the broker has the task. The same `id` means the same tick. */
  readonly enqueue?: (task: { readonly id: string; readonly at: number }) => Promise<void>;
  /** One life of one process, unlike that of any other. */
  readonly owner: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Told once per change; undefined: well again. */
  readonly trouble: (reason: string | undefined) => void;
}

export interface ScheduleIntake extends Intake {
  /** @throws what the store throws, as do those below that ask it */
  info(): Promise<ScheduleInfo>;
  /**
   * Begins a run now, paused or not, and resolves when it has begun; `skipped` when the overlap forbids it.
   *
   * @throws SupervisorError UNSUPPORTED when the service is not ready
   */
  runNow(): Promise<ScheduleRun>;
  /** For all replicas, and across restarts. */
  setPaused(paused: boolean): Promise<void>;
  /** The newest first. */
  history(limit: number): Promise<readonly ScheduleRun[]>;
  nextRuns(count: number): readonly number[];
  /** Runs that go on here, and what became of planned times here since it was made. */
  stats(): { running: number; done: number; failed: number; skipped: number };
}

/** At the start the broker is waited for this long; without it the service counts as started. */
const joinTime = 5_000;
/** Timers do not see that a clock was set, or that the machine slept. */
const longestSleep = 30_000;
/** How many of the next times `info` tells. */
const infoTimes = 5;

/**
 * Keeps the schedule of one service across its generations.
 *
 * @throws SupervisorError BAD_VALUE as `parseCron` does
 */
export function createScheduleIntake(options: ScheduleIntakeOptions): ScheduleIntake {
  const { service: entry, clock, random } = options;
  const { plan } = options;
  const times = parseCron(plan.cron, plan.timezone, clock.wall());
  const rules: Rules = { overlap: plan.overlap, catchUp: plan.catchUp, jitter: plan.jitter, times, random };
  let course: Course = createCourse(rules, clock.wall());
  const leases: ScheduleLease[] = [];
  const access = createStoreAccess(options);
  const remembered = Promise.withResolvers<void>();
  let isRemembered = false;
  let isLooking = false;
  let cancelTimer: (() => void) | undefined;
  let stopAnnouncing: (() => void) | undefined;
  let ending = new AbortController();

  const keeper = createKeeper({
    ...options,
    access,
    after: (at) => times.next(at),
    remember(state) {
      if (isRemembered) return;
      isRemembered = true;
      happen({ tag: "remembered", lastAt: state.lastAt, isOurs: !options.changed });
      remembered.resolve();
    },
    ended: (occasion) => happen(occasion),
  });

  function happen(occasion: Occasion): void {
    const [next, verdicts] = decide(course, occasion, rules, clock.wall());
    course = next;
    for (const verdict of verdicts) act(verdict);
    arm();
  }

  function act(verdict: Verdict): void {
    if (verdict.tag === "skip") keeper.skip(verdict, ending.signal);
    else {
      const lease = leases.at(-1) as ScheduleLease;
      lease.hold(keeper.run(verdict.due, lease));
    }
  }

  function arm(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (!course.open || course.quiet || course.next === undefined) return;
    const delay = Math.min(longestSleep, Math.max(1, course.next.begin - clock.wall()));
    cancelTimer = clock.after(delay, () => happen({ tag: "wake" }));
  }

  function close(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    stopAnnouncing?.();
    stopAnnouncing = undefined;
    ending.abort();
  }

  /** Until the store has told the past, and every run of another process has an end. */
  async function lookUp(signal: AbortSignal): Promise<void> {
    const forEver = { until: Number.POSITIVE_INFINITY, signal };
    for (;;) {
      const others = await access.patiently((store) => keeper.lookUp(store), forEver);
      if (!others?.value || signal.aborted) return;
      await sleep(clock, beatEvery, signal);
      if (signal.aborted) return;
    }
  }

  function startLooking(): void {
    if (isLooking) return;
    isLooking = true;
    void lookUp(ending.signal).finally(() => {
      isLooking = false;
    });
  }

  function nextRuns(count: number): readonly number[] {
    return nextTimes(times, Math.max(clock.wall(), course.decided), count);
  }

  return {
    needsFetch: false,
    lacks: (service) => (plan.enqueue || service.scheduled ? undefined : "has schedule: but no scheduled()"),
    async join() {
      const until = clock.now() + joinTime;
      const first = await within(
        clock,
        until,
        access.once((store) => keeper.lookUp(store)),
      );
      if (first.tag === "failed" && isPermanent(first.error)) throw first.error;
      startLooking();
      await within(clock, until, remembered.promise);
    },
    open(target) {
      if (ending.signal.aborted) ending = new AbortController();
      const lease = createLease(
        target,
        (drained) => {
          leases.splice(leases.indexOf(drained), 1);
          if (leases.length === 0) happen({ tag: "closed" });
        },
        (final) => final && close(),
      );
      leases.push(lease);
      startLooking();
      stopAnnouncing ??= announceEvery(clock, access, () =>
        course.quiet || leases.length === 0 ? undefined : noticeOf(entry, plan, times, clock.wall()),
      );
      happen({ tag: "opened" });
      return lease;
    },
    quiet() {
      happen({ tag: "quiet" });
      for (const lease of leases) lease.refuse();
      ending.abort();
    },
    pause: () => happen({ tag: "paused" }),
    resume: () => happen({ tag: "resumed" }),
    close,
    async info() {
      const [state, runs] = await access.once((store) =>
        Promise.all([store.state(entry), store.history(entry, 1)]),
      );
      return {
        entry,
        cron: plan.cron,
        timezone: plan.timezone,
        paused: state.paused || course.paused,
        next: nextRuns(infoTimes),
        ...(state.lastAt === undefined ? {} : { lastAt: state.lastAt }),
        ...(runs[0] ? { last: runs[0] } : {}),
        running: course.active,
      };
    },
    async runNow() {
      const lease = leases.at(-1);
      if (lease === undefined || course.quiet) throw notReady(entry);
      const at = freeTime(times, clock.wall());
      if (plan.overlap !== "allow" && course.active > 0) {
        return { at, outcome: "skipped", cause: "overlap", owner: options.owner };
      }
      happen({ tag: "began" });
      const { run, going } = keeper.runNow(at, lease);
      lease.hold(going);
      return run;
    },
    setPaused: (paused) => access.once((store) => store.setPaused(entry, paused)),
    history: (limit) => access.once((store) => store.history(entry, limit)),
    nextRuns,
    stats: () => ({ ...keeper.counts, running: course.active }),
  };
}

/** A time that no schedule plans, so that a run of an operator takes none away. */
function freeTime(times: CronTimes, now: number): number {
  return times.previous(now + 1) === now ? now + 1 : now;
}
