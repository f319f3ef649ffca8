import type { DependencyCondition, HealthPlan, ReplaceOrder, RestartPlan } from "../core/plan.ts";
import type { Ended, Held } from "../core/report.ts";
import type { Health } from "../service/contract.ts";

/** One generation of one service, wherever it runs. The group calls each method that acts at most once, in this order. */
export interface Host {
  /** Makes the instance and runs `init`. */
  load(): Promise<void>;
  /** Resolves when the service is ready for work; opens its intakes. */
  start(): Promise<void>;
  /**
   * Whether this generation, once loaded, is the very object that `other` runs, so that the stop of one would be that
   * of both. Absent: never.
   */
  isOneWith?(other: Host): boolean;
  /** Whether `health` asks the service anything. */
  readonly probes: boolean;
  /** Rejects, or says `fail`, when the service is not well. May be called many times. */
  health(): Promise<Health>;
  /**
   * Hands over a new config without a new generation. False: the service has no way to take it. May be called
   * many times.
   */
  reload?(config: unknown): Promise<boolean>;
  /** Takes no new work until `resume`; may be called before `start`. Both may be called many times. */
  pause(): void;
  resume(): void;
  /** What an operator should know about this generation once it serves. */
  readonly note?: string;
  /** The group is about to stop: take nothing new where that harms nobody. */
  quiet(): void;
  /**
   * Drains, calls the service's own `stop` if it was started, runs cleanups. Resolves when nothing of the
   * generation is left; rejects with the first error of a hook, but only after everything has had its turn.
   */
  stop(options: StopOptions): Promise<StopOutcome>;
  /** What the generation has in its hands now; may be asked at any time. */
  held(): Held;
  /** Streams and WebSockets that its drain has told to end; undefined: none. */
  readonly ended?: Ended | undefined;
  /** Past the deadline: cuts what can be cut, and tells what the generation still held before that. */
  abandon(): Held;
}

export interface StopOptions {
  /** Milliseconds from now. */
  readonly budget: number;
  /** No other generation follows. */
  readonly final: boolean;
}

export interface StopOutcome {
  /** Streams and WebSockets that did not end by themselves and were cut. */
  readonly cutStreams: number;
}

/** How a host tells of what happens outside its calls; each may be said at any time, late ones are ignored. */
export interface HostReport {
  /** `run` rejected, or an error nobody caught was attributed to this generation. */
  failed(error: unknown): void;
  /** `run` resolved. */
  completed(): void;
  /** What its work comes from is away, and why; undefined: all of it is there again. */
  troubled(reason: string | undefined): void;
}

/** What the group supervises: policies, and a way to make the next generation. */
export interface Member {
  readonly name: string;
  readonly critical: boolean;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
  readonly startTimeout: number;
  readonly stopTimeout?: number;
  readonly restart: RestartPlan;
  readonly health: HealthPlan;
  readonly replace: ReplaceOrder;
  /** `fresh`: with the code as it is on disk now, not as it was loaded before. */
  createHost(generation: number, report: HostReport, options: { readonly fresh: boolean }): Host;
  /** The config for `Host.reload`. Rejects when the service's own schema does not take it. */
  nextConfig?(): Promise<unknown>;
}
