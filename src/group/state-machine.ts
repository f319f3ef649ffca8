import type { Clock } from "../core/clock.ts";
import { defaultStopTimeout } from "../core/ladder.ts";
import type { Generations } from "./generations.ts";
import type { HealthSubject, HealthWatch } from "./health-watch.ts";
import { createHealthWatch } from "./health-watch.ts";
import type { Host, HostReport, Member } from "./host.ts";
import { recoverFrom } from "./recovery.ts";
import type { Replacement } from "./replacement.ts";
import type { RestartHistory, Verdict } from "./restart.ts";
import { afterReady, afterStable, noFailures } from "./restart.ts";
import type { ChildEvent, ChildState, StopGoal } from "./state.ts";
import { isServing, isTroubled, next } from "./state.ts";

export interface StateMachineOptions {
  readonly generations: Generations;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called after every transition. */
  readonly changed: (from: ChildState) => void;
  readonly failed: (generation: number, error: unknown) => void;
}

/** One service's way through its states: feeds what happens into `next()` and acts on what comes out, nowhere else. */
export class StateMachine implements HealthSubject {
  readonly #options: StateMachineOptions;
  readonly #generations: Generations;
  readonly #health: HealthWatch;
  #state: ChildState = { tag: "pending", generation: 0 };
  #since: number;
  #history: RestartHistory = noFailures;
  #fresh = false;
  #isFinal = false;
  #budget = defaultStopTimeout;
  #lateError: unknown;
  #failure: unknown;
  /** Of the newest generation that has said so. */
  #trouble: { readonly generation: number; readonly reason: string } | undefined;
  /** Off at the next transition. */
  #timers: (() => void)[] = [];

  constructor(options: StateMachineOptions) {
    this.#options = options;
    this.#generations = options.generations;
    this.#since = options.clock.wall();
    this.#health = createHealthWatch(this, options.clock);
  }

  get state(): ChildState {
    return this.#state;
  }

  /** When it came into its state, in milliseconds since 1970. */
  get since(): number {
    return this.#since;
  }

  /** Since it was last stable. */
  get failures(): number {
    return this.#history.attempt;
  }

  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** The first failure after it became final. */
  get lateError(): unknown {
    return this.#lateError;
  }

  /** The last failure since it served; undefined while it serves. */
  get failure(): unknown {
    return this.#failure;
  }

  get host(): Host | undefined {
    return this.#generations.current;
  }

  get member(): Member {
    return this.#generations.member;
  }

  /** Makes a new generation, where none is alive. */
  load(fresh: boolean): void {
    if (this.#isFinal) return;
    this.#fresh = fresh;
    this.apply({ tag: "load", generation: this.#generations.newest + 1 });
  }

  apply(event: ChildEvent): void {
    const from = this.#state;
    const to = next(from, event);
    if (to === from) return;
    this.#state = to;
    this.#since = this.#options.clock.wall();
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#act(to, from);
    this.#options.changed(from);
  }

  /** Takes `error` as a failure of that generation, if it is the one that lives. */
  failed(generation: number, error: unknown): void {
    this.#options.failed(generation, error);
    if (this.#isFinal) this.#lateError ??= error;
    else if (generation === this.#state.generation) this.#failure = error;
    this.#onlyIf(generation, { tag: "failed", error });
  }

  later(delay: number, callback: () => void): void {
    this.#timers.push(this.#options.clock.after(delay, callback));
  }

  /** Forgets every failure. */
  forgive(): void {
    this.#history = noFailures;
  }

  /** From now on nothing begins by itself any more: no retry, no next generation. */
  beFinal(): void {
    this.#isFinal = true;
  }

  /** Ends what is alive, within `budget` ms when it is final. */
  stop(budget: number): void {
    this.#budget = budget;
    this.apply({ tag: "stop" });
  }

  /** `coming` is the current generation now. */
  replaced(coming: Replacement): void {
    const { generation } = coming;
    this.forgive();
    this.apply({ tag: "replaced", generation, ...troubleOf(coming.trouble) });
    coming.adopt(this.#reportOf(generation));
  }

  /** A retry that fell due while a generation came up beside had to wait: never two at once by accident. */
  retryIfDue(): void {
    if ("delay" in this.#state && this.#timers.length === 0) this.load(false);
  }

  #act(state: ChildState, from: ChildState): void {
    switch (state.tag) {
      case "loading":
        void this.#init(state.generation);
        break;
      case "starting":
        void this.#start(state.generation);
        break;
      case "ready":
      case "unhealthy":
        this.#failure = undefined;
        this.#history = afterReady(this.#history);
        if (!isServing(from) || from.generation !== state.generation || isTroubled(from)) {
          this.#health.forget();
        }
        this.#health.askLater();
        if (state.tag === "ready") this.later(this.member.restart.stable, () => this.#becameStable());
        break;
      case "stopping":
        if (from.tag !== "stopping") this.#end(state.generation);
        break;
      case "backoff":
      case "quarantined":
        if (this.#isFinal) this.apply({ tag: "stop" });
        else this.later(state.delay, () => this.#retry());
        break;
    }
  }

  async #init(generation: number): Promise<void> {
    const failure = await this.#generations.load(generation, this.#reportOf(generation), this.#fresh);
    if (failure) this.failed(generation, failure.error);
    else this.#onlyIf(generation, { tag: "loaded" });
  }

  async #start(generation: number): Promise<void> {
    const failure = await this.#generations.start();
    if (failure) this.failed(generation, failure.error);
    else this.#onlyIf(generation, { tag: "ready", ...troubleOf(this.#troubleOf(generation)) });
  }

  #troubleOf(generation: number): string | undefined {
    return this.#trouble?.generation === generation ? this.#trouble.reason : undefined;
  }

  #reportOf(generation: number): HostReport {
    return {
      failed: (error) => this.failed(generation, error),
      completed: () => this.#onlyIf(generation, { tag: "completed" }),
      troubled: (reason) => this.#troubled(generation, reason),
    };
  }

  #troubled(generation: number, reason: string | undefined): void {
    if (generation < this.#state.generation) return;
    this.#trouble = reason === undefined ? undefined : { generation, reason };
    this.#onlyIf(generation, reason === undefined ? { tag: "untroubled" } : { tag: "troubled", reason });
  }

  /** Once the group stops, a service that fails or completes keeps its turn: others may still need it. */
  #onlyIf(generation: number, event: ChildEvent): void {
    if (this.#state.generation === generation && !this.#isFinal) this.apply(event);
  }

  #becameStable(): void {
    this.#history = afterStable(this.#history);
  }

  #end(generation: number): void {
    const final = this.#isFinal;
    const budget = final ? this.#budget : this.#generations.stopTimeout;
    void this.#generations.end(generation, { budget, final }).done.then(() => {
      if (this.#state.tag !== "stopping" || this.#state.generation !== generation) return;
      this.apply({ tag: "ended", verdict: this.#verdict(this.#state.goal) });
    });
  }

  #verdict(goal: StopGoal): Verdict {
    if (this.#isFinal) return { tag: "giveUp" };
    const { clock, random } = this.#options;
    const chance = () => ({ now: clock.now(), random: random() });
    const { history, verdict } = recoverFrom(goal, this.member, this.#history, chance);
    this.#history = history;
    return verdict;
  }

  #retry(): void {
    // The generation that comes up takes over, or `retryIfDue` tries again.
    this.#timers = [];
    if (!this.#generations.coming) this.load(false);
  }
}

function troubleOf(trouble: string | undefined): { trouble?: string } {
  return trouble === undefined ? {} : { trouble };
}
