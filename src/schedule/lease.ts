import type { IntakeHeld, IntakeTarget, Lease } from "../service/intake.ts";

/** One target of a schedule, and the runs that it was given. */
export interface ScheduleLease extends Lease {
  readonly target: IntakeTarget;
  /** Aborts when no new run may begin here. */
  readonly closing: AbortSignal;
  /** Aborts when its time is over. */
  readonly over: AbortSignal;
  /** Begins no new run, and goes on with what has begun. */
  refuse(): void;
  /** Counts as in its hands until `work` has ended. Never rejects. */
  hold(work: Promise<void>): void;
  /** A run of its code has begun; the returned function says that it has ended. */
  began(cut: () => void): () => void;
}

/** `drained` is called as soon as nothing new comes here, `ended` when its last run has ended. */
export function createLease(
  target: IntakeTarget,
  drained: (lease: ScheduleLease) => void,
  ended: (final: boolean) => void,
): ScheduleLease {
  const closing = new AbortController();
  const over = new AbortController();
  const holding = new Set<Promise<void>>();
  const cuts = new Set<() => void>();
  const lease: ScheduleLease = {
    target,
    closing: closing.signal,
    over: over.signal,
    cutStreams: 0,
    refuse: () => closing.abort(),
    hold(work) {
      const held = work.finally(() => holding.delete(held));
      holding.add(held);
    },
    began(cut) {
      cuts.add(cut);
      return () => void cuts.delete(cut);
    },
    async drain({ final }) {
      closing.abort();
      drained(lease);
      while (holding.size > 0) await Promise.all(holding);
      ended(final);
    },
    cut() {
      closing.abort();
      over.abort();
      for (const cut of cuts) cut();
    },
    held: (): IntakeHeld => ({ requests: 0, streams: 0, websockets: 0, runs: cuts.size }),
  };
  return lease;
}
