import type { Clock } from "../core/clock.ts";
import type { Ended, Held } from "../core/report.ts";
import type { Host, StopOptions } from "./host.ts";

/** How a generation ended. */
export interface ChildEnd {
  readonly abandoned: boolean;
  readonly error?: unknown;
  readonly held?: Held;
  readonly cutStreams: number;
  readonly ended?: Ended;
}

/** A generation on its way out. */
export interface Ending {
  /** Never rejects, and resolves at the deadline at the latest. */
  readonly done: Promise<ChildEnd>;
  /** Moves the deadline to clock time `at`, if that is earlier. */
  hurry(at: number): void;
}

/** Told when a generation was left to itself; `gone` resolves if it ends all the same. */
export type Abandoned = (held: Held, gone: Promise<void>) => void;

export const nothingToEnd: ChildEnd = { abandoned: false, cutStreams: 0 };

/** Stops `host`, and abandons it when its budget is used up. */
export function endHost(host: Host, clock: Clock, options: StopOptions, abandoned: Abandoned): Ending {
  const { promise: done, resolve } = Promise.withResolvers<ChildEnd>();
  let deadline = clock.now() + options.budget;
  let isOver = false;
  let cancel = clock.after(options.budget, giveUp);
  const gone = host.stop(options).then(
    ({ cutStreams }) => settle({ abandoned: false, cutStreams }),
    (error) => settle({ abandoned: false, error, cutStreams: 0 }),
  );

  function settle(end: ChildEnd): void {
    if (isOver) return;
    isOver = true;
    cancel();
    const { ended } = host;
    resolve(ended ? { ...end, ended } : end);
  }
  function giveUp(): void {
    const held = host.abandon();
    settle({ abandoned: true, held, cutStreams: 0 });
    abandoned(held, gone);
  }
  return {
    done,
    hurry(at) {
      if (isOver || at >= deadline) return;
      deadline = at;
      cancel();
      cancel = clock.after(Math.max(0, at - clock.now()), giveUp);
    },
  };
}
