import type { Clock } from "../core/clock.ts";
import type { Ending } from "./ending.ts";
import type { Host, HostReport, Member } from "./host.ts";
import { startInTime } from "./patience.ts";

/** A generation that comes up beside the serving one. */
export interface Replacement {
  readonly generation: number;
  readonly host: Host;
  /** Whether it came up; `failed` when it did not in time, or `end` was called meanwhile. Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** What it has said of what its work comes from. */
  readonly trouble: string | undefined;
  /** It serves from now on: what its host reports goes to `report`, also what came since it was ready. */
  adopt(report: HostReport): void;
  /** Ends it, once: later calls get the first one's ending. */
  end(): Ending;
}

export type Outcome =
  | { readonly tag: "up" }
  /** It is the same object as the serving one: they cannot live side by side. */
  | { readonly tag: "inseparable" }
  | { readonly tag: "failed"; readonly error: unknown };

export interface ReplacementOptions {
  readonly member: Member;
  readonly generation: number;
  readonly clock: Clock;
  readonly fresh: boolean;
  readonly paused: boolean;
  /** The host that serves now. Asked, not kept: a generation that knew the one before it would keep all of them. */
  readonly serving: () => Host | undefined;
  /** How such a generation is ended; the address stays with the serving one. */
  readonly end: (generation: number, host: Host) => Ending;
}

/**
 * Loads and starts the next generation of a service while the one before it serves. Nothing that happens here
 * touches that one: only `adopt` makes the new one the service.
 */
export function bringUp(options: ReplacementOptions): Replacement {
  const { member, generation, clock, fresh } = options;
  const broken = Promise.withResolvers<never>();
  // It also breaks when nobody waits any more.
  broken.promise.catch(() => {});
  let failure: { readonly error: unknown } | undefined;
  let hasCompleted = false;
  let trouble: string | undefined;
  let heir: HostReport | undefined;
  let ending: Ending | undefined;

  const host = member.createHost(generation, { failed, completed, troubled }, { fresh });
  if (options.paused) host.pause();

  function failed(error: unknown): void {
    if (heir) heir.failed(error);
    failure ??= { error };
    broken.reject(error);
  }
  function completed(): void {
    if (heir) heir.completed();
    hasCompleted = true;
  }
  function troubled(reason: string | undefined): void {
    heir?.troubled(reason);
    trouble = reason;
  }
  async function comeUp(): Promise<Outcome> {
    const steps = [
      ["init()", () => host.load()],
      ["start()", () => host.start()],
    ] as const;
    for (const [hook, step] of steps) {
      if (failure) break;
      const serving = options.serving();
      if (hook === "start()" && serving && host.isOneWith?.(serving)) return { tag: "inseparable" };
      failure ??= await startInTime(member, clock, hook, Promise.race([step(), broken.promise]));
    }
    return failure ? { tag: "failed", error: failure.error } : { tag: "up" };
  }

  return {
    generation,
    host,
    outcome: comeUp(),
    get trouble() {
      return trouble;
    },
    adopt(report) {
      heir = report;
      if (trouble !== undefined) report.troubled(trouble);
      if (failure) report.failed(failure.error);
      else if (hasCompleted) report.completed();
    },
    end() {
      failed(new Error("It was ended before it was ready"));
      ending ??= options.end(generation, host);
      return ending;
    },
  };
}
