import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Tick } from "../service/message.ts";
import { beatEvery } from "./claim.ts";

export interface RunOptions {
  readonly clock: Clock;
  /** Of the run; 0: none. */
  readonly timeout: number;
  readonly work: (tick: Tick) => unknown;
  /** Called every few seconds while it goes on, one call after the other. Must not reject. */
  readonly beat: (run: ScheduleRun) => Promise<void>;
  /** Called when its timeout has passed; it counts as failed, but goes on until its code returns. */
  readonly overdue: (run: ScheduleRun, error: Error) => void;
}

export interface RunningRun {
  /** How it ended; never rejects. After `cut` it does not wait for the code any longer. */
  readonly ended: Promise<{ readonly run: ScheduleRun; readonly error?: unknown }>;
  cut(): void;
}

/** Calls the service for one planned time. */
export function beginRun(
  run: ScheduleRun,
  cause: Tick["cause"],
  { clock, timeout, work, beat, overdue }: RunOptions,
): RunningRun {
  const aborter = new AbortController();
  const started = clock.now();
  const cut = Promise.withResolvers<never>();
  let beating = Promise.resolve();
  let late: Error | undefined;
  const soFar = (): ScheduleRun => ({ ...run, durationMs: Math.round(clock.now() - started) });
  let isBeating = false;
  const stopBeats = every(clock, beatEvery, () => {
    if (isBeating) return;
    isBeating = true;
    beating = beat(soFar()).finally(() => {
      isBeating = false;
    });
  });
  const stopTimeout =
    timeout === 0
      ? undefined
      : clock.after(timeout, () => {
          late = new Error(`the run did not end within ${formatDuration(timeout)}`);
          aborter.abort(late);
          overdue(soFar(), late);
        });

  async function finished(): Promise<{ run: ScheduleRun; error?: unknown }> {
    const outcome = await settle(
      Promise.race([call(work, { at: new Date(run.at), cause, signal: aborter.signal }), cut.promise]),
    );
    stopBeats();
    stopTimeout?.();
    // The last word must not be overtaken by a beat; a run that was cut off has no time for that.
    await Promise.race([beating, cut.promise.catch(() => {})]);
    const error = late ?? outcome.error;
    if (error === undefined) return { run: { ...soFar(), outcome: "done" } };
    return { run: { ...soFar(), outcome: "failed", error: messageOf(error) }, error };
  }

  return {
    ended: finished(),
    cut() {
      const reason = new SupervisorError(
        "STOPPING",
        "The stop of the service cut this run off: its time was over",
        "Raise stop_timeout, or end the run when ctx.signal aborts.",
      );
      aborter.abort(reason);
      cut.reject(reason);
    },
  };
}

async function call(work: (tick: Tick) => unknown, tick: Tick): Promise<void> {
  await work(tick);
}

async function settle(work: Promise<void>): Promise<{ error?: unknown }> {
  try {
    await work;
    return {};
  } catch (error) {
    return { error: error ?? new Error(`it threw ${error}`) };
  }
}

function every(clock: Clock, period: number, callback: () => void): () => void {
  let cancel = clock.after(period, again);
  function again() {
    callback();
    cancel = clock.after(period, again);
  }
  return () => cancel();
}
