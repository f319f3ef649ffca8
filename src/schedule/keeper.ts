import type { Clock } from "../core/clock.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { SchedulePlan } from "../core/plan.ts";
import type { ScheduleStore } from "../core/schedule-store.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Tick } from "../service/message.ts";
import type { Claim, ClaimOptions, Others } from "./claim.ts";
import { claim, lookAtOthers } from "./claim.ts";
import type { Due, Occasion, Verdict } from "./course.ts";
import { enqueueTick, idOfTick, isDuplicate, isUseless } from "./enqueue-tick.ts";
import type { ScheduleLease } from "./lease.ts";
import { beginRun } from "./run.ts";
import type { StoreAccess } from "./store-access.ts";

export interface KeeperOptions {
  readonly service: string;
  readonly owner: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly enqueue?: (task: { readonly id: string; readonly at: number }) => Promise<void>;
  readonly access: StoreAccess;
  readonly plan: SchedulePlan;
  /** The planned time after `at`. */
  readonly after: (at: number) => number | undefined;
  /** Called with what the store says of the past, whenever it does. */
  readonly remember: (state: { readonly lastAt?: number }) => void;
  readonly ended: (occasion: Extract<Occasion, { tag: "ended" | "returned" }>) => void;
}

/** Does what has been decided: claims a time, runs it, and writes down what became of it. */
export interface Keeper {
  /** What became of planned times since it was made. */
  readonly counts: { readonly done: number; readonly failed: number; readonly skipped: number };
  /** Reads the past, and writes an end to the runs of processes that are gone. True: runs of others have no end yet. */
  lookUp(store: ScheduleStore): Promise<boolean>;
  run(due: Due, lease: ScheduleLease): Promise<void>;
  /** `run` is the run as it has begun, or why it did not; `going` ends with it and never rejects. */
  runNow(at: number, lease: ScheduleLease): { run: Promise<ScheduleRun>; going: Promise<void> };
  /** Until `signal` aborts it tries to write it down. */
  skip(verdict: Extract<Verdict, { tag: "skip" }>, signal: AbortSignal): void;
}

/** How long a queued run, whose own time is over, may wait for the store. */
const patienceWhenLate = 60_000;
const writeTime = 30_000;
/** Of the times that are skipped for the same reason, one is written in this time: the history is not for ever. */
const skipEvery = 60_000;

export function createKeeper(options: KeeperOptions): Keeper {
  const { service: entry, owner, clock, log, access, plan, enqueue } = options;
  const here = new Set<number>();
  const others: Others = new Map();
  const skipped = new Map<string, number>();
  const counts = { done: 0, failed: 0, skipped: 0 };

  const claiming = (): ClaimOptions => ({
    entry,
    owner,
    access,
    clock,
    overlap: plan.overlap,
    remember: options.remember,
    others,
    bury,
    isHere: (at) => here.has(at),
  });

  /** Its process is gone. A task may not have been enqueued; what code has done halfway is not done again. */
  async function bury(store: ScheduleStore, run: ScheduleRun): Promise<void> {
    let error: unknown = new Error("its process is gone");
    if (enqueue) error = await enqueueOnce(run.at, enqueue);
    else log.error("A run of the schedule has no end: its process is gone", fieldsOf(run));
    await store.finish(
      entry,
      error ? { ...run, outcome: "failed", error: messageOf(error) } : { ...run, outcome: "done" },
    );
  }

  /** What makes it useless to try again; undefined when the broker has the task. */
  async function enqueueOnce(at: number, put: NonNullable<typeof enqueue>): Promise<unknown> {
    try {
      await enqueueTick(put, { id: idOfTick(entry, at), at }, { ...options, signal: AbortSignal.abort() });
      return undefined;
    } catch (error) {
      if (isUseless(error)) return error;
      throw error;
    }
  }

  async function execute(run: ScheduleRun, cause: Tick["cause"], lease: ScheduleLease): Promise<void> {
    here.add(run.at);
    const running = beginRun(run, cause, {
      clock,
      timeout: plan.timeout,
      work: (tick) => work(tick, lease),
      beat: (beaten) => access.once((store) => store.finish(entry, beaten)).catch(() => {}),
      overdue: (late, error) => log.error("A scheduled run takes too long", { ...fieldsOf(late), error }),
    });
    const gone = lease.began(running.cut);
    // Its service's time was over while it was claimed.
    if (lease.over.aborted) running.cut();
    const { run: final, error } = await running.ended;
    gone();
    await tellEnd(final, error, lease);
    here.delete(run.at);
  }

  async function tellEnd(final: ScheduleRun, error: unknown, lease: ScheduleLease): Promise<void> {
    // A task that could not be enqueued in time: whoever finds it without an end enqueues it.
    if (enqueue && lease.over.aborted && error !== undefined) return;
    counts[isDuplicate(error) ? "skipped" : error === undefined ? "done" : "failed"] += 1;
    if (isDuplicate(error)) {
      await write({ ...final, outcome: "skipped", cause: "overlap" }, lease);
    } else {
      if (error !== undefined) log.error("A scheduled run failed", { ...fieldsOf(final), error });
      await write(final, lease);
    }
  }

  function work(tick: Tick, { target }: ScheduleLease): unknown {
    if (enqueue) {
      const at = tick.at.getTime();
      return enqueueTick(enqueue, { id: idOfTick(entry, at), at }, { ...options, signal: tick.signal });
    }
    const { life } = target;
    if (life?.service.scheduled === undefined) {
      throw new SupervisorError(
        "INTERNAL",
        `Nothing here can run the schedule of service "${entry}"`,
        "Report it.",
      );
    }
    return life.enter(() => life.service.scheduled?.(tick, life.ctx));
  }

  async function write(run: ScheduleRun, lease: ScheduleLease): Promise<void> {
    const patience = { until: clock.wall() + writeTime, signal: lease.closing };
    const written = await access.patiently((store) => store.finish(entry, run), patience);
    if (!written) log.warn("The end of a scheduled run could not be written down", fieldsOf(run));
  }

  async function note(
    at: number,
    cause: "overlap" | "paused" | "missed",
    signal: AbortSignal,
  ): Promise<boolean> {
    // Whoever runs keeps one time behind it: written down by others, it would be taken away.
    if (cause === "overlap" && plan.overlap === "queue" && here.size === 0) return false;
    const now = clock.wall();
    const before = skipped.get(cause);
    if (before !== undefined && now >= before && now - before < skipEvery) return false;
    skipped.set(cause, now);
    const run: ScheduleRun = { at, outcome: "skipped", cause, owner };
    await access.patiently((store) => store.claim(entry, run), { until: now + writeTime, signal });
    return true;
  }

  async function begin(due: Due, lease: ScheduleLease): Promise<Claim> {
    const now = clock.wall();
    const following = options.after(due.at) ?? Number.POSITIVE_INFINITY;
    const isCatchUp = due.cause === "catch-up";
    const ownTime = following > now ? following : now + patienceWhenLate;
    const run = runOf(due.at, isCatchUp ? "catch-up" : undefined);
    const claimed = await claim(claiming(), run, {
      until: isCatchUp ? Number.POSITIVE_INFINITY : ownTime,
      signal: lease.closing,
      // Another replica may be catching up, too.
      waits: isCatchUp || plan.overlap === "queue",
    });
    // The claim may have waited: it begins now.
    if (claimed === "ours") await execute({ ...run, startedAt: clock.wall() }, due.cause, lease);
    return claimed;
  }

  function runOf(at: number, cause?: "manual" | "catch-up"): ScheduleRun {
    const startedAt = clock.wall();
    return { at, outcome: "running", startedAt, durationMs: 0, owner, ...(cause ? { cause } : {}) };
  }

  return {
    counts,
    async lookUp(store) {
      const state = await store.state(entry);
      const going = await lookAtOthers(claiming(), store);
      options.remember(state);
      return going !== "none";
    },
    async run(due, lease) {
      const claimed = await begin(due, lease);
      if (claimed === "unknown" && lease.closing.aborted) return options.ended({ tag: "returned", due });
      const fields = { at: new Date(due.at).toISOString() };
      if (claimed === "unknown" || claimed === "paused" || claimed === "busy") counts.skipped += 1;
      if (claimed === "unknown") log.error("A scheduled run is left out: the broker is away", fields);
      if (claimed === "paused") await note(due.at, "paused", lease.closing);
      if (claimed === "busy" && (await note(due.at, "overlap", lease.closing))) {
        log.warn("A scheduled run is left out: the one before goes on in another process", fields);
      }
      options.ended({ tag: "ended", cause: due.cause });
    },
    runNow(at, lease) {
      const begun = (async (): Promise<ScheduleRun> => {
        const run = runOf(at, "manual");
        const isFree =
          plan.overlap === "allow" ||
          (await access.once((store) => lookAtOthers(claiming(), store, at))) === "none";
        const isOurs = isFree && (await access.once((store) => store.claim(entry, run)));
        return isOurs ? run : { at, outcome: "skipped", cause: "overlap", owner };
      })();
      const going = begun
        .then((run) => (run.outcome === "running" ? execute(run, "manual", lease) : undefined))
        // Whoever asked for the run is told why there is none.
        .catch(() => {})
        .then(() => options.ended({ tag: "ended", cause: "manual" }));
      return { run: begun, going };
    },
    skip({ at, count, cause }, signal) {
      counts.skipped += count;
      const fields = { at: new Date(at).toISOString(), count };
      // It is paused here, by whoever looks after this process: another replica may run it.
      if (cause === "paused") return log.debug("Scheduled runs are left out: the service is paused", fields);
      const why = cause === "missed" ? "their time has passed" : "the one before goes on";
      void note(at, cause, signal).then((isNew) => {
        if (isNew) log.warn(`Scheduled runs are left out: ${why}`, fields);
      });
    },
  };
}

function fieldsOf({ at, durationMs, cause }: ScheduleRun): Record<string, unknown> {
  return { at: new Date(at).toISOString(), durationMs, ...(cause ? { cause } : {}) };
}
