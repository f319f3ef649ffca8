import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { formatDuration } from "../core/duration.ts";
import { isPermanent, messageOf, SupervisorError } from "../core/errors.ts";
import { defaultStopTimeout } from "../core/ladder.ts";
import type { Held, LeftBehind } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { Host, Member } from "./host.ts";
import type { RestartHistory, Verdict } from "./restart.ts";
import { afterCompletion, afterFailure, afterStable, noFailures } from "./restart.ts";
import type { ChildEvent, ChildState, StopGoal } from "./state.ts";
import { isAlive, isOver, next } from "./state.ts";

export interface ChildOptions {
  readonly member: Member;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called after every transition. */
  readonly changed: (child: Child, from: ChildState) => void;
  readonly failed: (child: Child, generation: number, error: unknown) => void;
  /** A generation is left to itself after `allowedMs`, and its service goes on without it. */
  readonly abandoned: (child: Child, stray: LeftBehind, allowedMs: number) => void;
  /** What the service still waits for, in words; empty when it may start. */
  readonly unmet: (member: Member) => readonly string[];
}

/** How a generation ended. */
export interface ChildEnd {
  readonly abandoned: boolean;
  readonly error?: unknown;
  readonly held?: Held;
  readonly cutStreams: number;
}

/** Runs one service: feeds what happens into `next()` and acts on the state that comes out, nowhere else. */
export class Child {
  readonly member: Member;
  /** Grows with every first start in the group; undefined until `start` was called once. */
  startedAs: number | undefined;
  readonly #options: ChildOptions;
  #state: ChildState = { tag: "pending", generation: 0 };
  #since: number;
  #history: RestartHistory = noFailures;
  #host: Host | undefined;
  #ending: Promise<ChildEnd> | undefined;
  #budget = defaultStopTimeout;
  #final = false;
  #strikes = 0;
  /** Generations past their deadline that have not ended, by number. */
  readonly #strays = new Map<number, Host>();
  /** The first failure after the group began to stop. */
  #lateError: unknown;
  #timers: (() => void)[] = [];

  constructor(options: ChildOptions) {
    this.#options = options;
    this.member = options.member;
    this.#since = options.clock.wall();
  }

  get state(): ChildState {
    return this.#state;
  }

  get snapshot(): ServiceSnapshot {
    const state = this.#state;
    const reason = this.#reason();
    return {
      name: this.member.name,
      state: state.tag,
      generation: state.generation,
      critical: this.member.critical,
      since: this.#since,
      failures: this.#history.attempt,
      ...(this.startedAs === undefined ? {} : { startedAs: this.startedAs }),
      ...(reason ? { reason } : {}),
      ...("delay" in state ? { retryAt: this.#since + state.delay } : {}),
    };
  }

  /** What the generation that lives now has in its hands. */
  get held(): Held | undefined {
    return isAlive(this.#state) ? this.#host?.held() : undefined;
  }

  /** Generations that were abandoned by their successors, and have not ended since. */
  get strays(): readonly LeftBehind[] {
    return [...this.#strays].map(([generation, host]) => ({ generation, held: host.held() }));
  }

  load(): void {
    this.#apply({ tag: "load" });
  }

  begin(): void {
    this.#apply({ tag: "begin" });
  }

  /** Takes `error` as a failure of the generation that runs now, or notes it when there is none. */
  fail(error: unknown): void {
    this.#failed(this.#state.generation, error);
  }

  quiet(): void {
    if (isAlive(this.#state)) this.#host?.quiet();
  }

  /** From now on nothing begins by itself any more: no retry, no next generation. */
  halt(): void {
    this.#final = true;
    if (!isAlive(this.#state)) this.#apply({ tag: "stop" });
  }

  /** Ends the service within `budget` milliseconds; never rejects. */
  async stop(budget: number): Promise<ChildEnd> {
    this.halt();
    if (!isAlive(this.#state)) return { abandoned: false, cutStreams: 0 };
    this.#budget = budget;
    this.#apply({ tag: "stop" });
    const { clock } = this.#options;
    const ended = await within(clock, clock.now() + budget, this.#ending ?? Promise.resolve(nothing));
    if (ended.tag === "done") return { ...ended.value, error: ended.value.error ?? this.#lateError };
    const held = this.#host?.abandon();
    this.#apply({ tag: "ended", verdict: { tag: "giveUp" } });
    return { abandoned: true, cutStreams: 0, ...(held ? { held } : {}) };
  }

  #apply(event: ChildEvent): void {
    const from = this.#state;
    const to = next(from, event);
    if (to === from) return;
    this.#state = to;
    this.#since = this.#options.clock.wall();
    for (const cancel of this.#timers.splice(0)) cancel();
    this.#act(to, from);
    this.#options.changed(this, from);
  }

  #act(state: ChildState, from: ChildState): void {
    switch (state.tag) {
      case "loading":
        void this.#load(state.generation);
        break;
      case "starting":
        void this.#start(state.generation);
        break;
      case "ready":
      case "unhealthy":
        if (from.tag === "starting") this.#strikes = 0;
        this.#watchHealth();
        if (state.tag === "ready") this.#later(this.member.restart.stable, () => this.#becameStable());
        break;
      case "stopping":
        if (from.tag !== "stopping") this.#ending = this.#end(state.generation);
        break;
      case "backoff":
      case "quarantined":
        if (this.#final) this.#apply({ tag: "stop" });
        else this.#later(state.delay, () => this.load());
        break;
    }
  }

  async #load(generation: number): Promise<void> {
    const host = this.member.createHost(generation, {
      failed: (error) => this.#failed(generation, error),
      completed: () => this.#onlyIf(generation, { tag: "completed" }),
    });
    this.#host = host;
    const error = await this.#inTime(host.load(), "init()");
    if (error) this.#failed(generation, error.error);
    else this.#onlyIf(generation, { tag: "loaded" });
  }

  async #start(generation: number): Promise<void> {
    const error = await this.#inTime((this.#host as Host).start(), "start()");
    if (error) this.#failed(generation, error.error);
    else this.#onlyIf(generation, { tag: "ready" });
  }

  /** Undefined when `work` was done in time. */
  async #inTime(work: Promise<void>, hook: string): Promise<{ error: unknown } | undefined> {
    const { clock } = this.#options;
    const { startTimeout, name } = this.member;
    const outcome = await within(clock, clock.now() + startTimeout, work);
    if (outcome.tag === "done") return undefined;
    if (outcome.tag === "failed") return { error: outcome.error };
    return {
      error: new SupervisorError(
        "START_TIMEOUT",
        `Service "${name}" was not ready within ${formatDuration(startTimeout)}: ${hook} has not resolved`,
        "Raise start_timeout; or, if the function blocks by design, call ctx.ready() in it or name it run().",
      ),
    };
  }

  #failed(generation: number, error: unknown): void {
    this.#options.failed(this, generation, error);
    if (this.#final) this.#lateError ??= error;
    this.#onlyIf(generation, { tag: "failed", error });
  }

  /** Once the group stops, a service that fails or completes keeps its turn: others may still need it. */
  #onlyIf(generation: number, event: ChildEvent): void {
    if (this.#state.generation === generation && !this.#final) this.#apply(event);
  }

  async #end(generation: number): Promise<ChildEnd> {
    const host = this.#host as Host;
    const { clock } = this.#options;
    const budget = this.#final ? this.#budget : (this.member.stopTimeout ?? defaultStopTimeout);
    const stopping = host.stop({ budget, final: this.#final });
    const outcome = await within(clock, clock.now() + budget, stopping);
    const end: ChildEnd =
      outcome.tag === "done"
        ? { abandoned: false, cutStreams: outcome.value.cutStreams }
        : outcome.tag === "failed"
          ? { abandoned: false, error: outcome.error, cutStreams: 0 }
          : { abandoned: true, held: this.#leave(generation, host, stopping, budget), cutStreams: 0 };
    if (this.#state.tag === "stopping" && this.#state.generation === generation) {
      this.#apply({ tag: "ended", verdict: this.#verdict(this.#state.goal) });
    }
    return end;
  }

  #leave(generation: number, host: Host, stopping: Promise<unknown>, allowedMs: number): Held {
    const held = host.abandon();
    this.#strays.set(generation, host);
    const gone = () => void this.#strays.delete(generation);
    stopping.then(gone, gone);
    // The end of the group is told in its report.
    if (!this.#final) this.#options.abandoned(this, { generation, held }, allowedMs);
    return held;
  }

  #verdict(goal: StopGoal): Verdict {
    if (this.#final || goal.tag === "stop") return { tag: "giveUp" };
    if (goal.tag === "complete") return afterCompletion(this.member.restart);
    const { clock, random } = this.#options;
    const facts = {
      now: clock.now(),
      permanent: isPermanent(goal.error),
      critical: this.member.critical,
      random: random(),
    };
    const { history, verdict } = afterFailure(this.member.restart, this.#history, facts);
    this.#history = history;
    return verdict;
  }

  #becameStable(): void {
    this.#history = afterStable(this.#history);
  }

  #watchHealth(): void {
    if (this.#host?.probes) this.#later(this.member.health.interval, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const { clock } = this.#options;
    const { health, name } = this.member;
    const asked = this.#state;
    const outcome = await within(clock, clock.now() + health.timeout, (this.#host as Host).health());
    if (this.#state !== asked) return;
    const reason =
      outcome.tag === "late"
        ? `no answer within ${formatDuration(health.timeout)}`
        : outcome.tag === "failed"
          ? messageOf(outcome.error)
          : outcome.value.status === "fail"
            ? (outcome.value.output ?? "says it is not well")
            : undefined;
    if (reason === undefined) return this.#well();
    this.#strikes += 1;
    if (this.#strikes >= health.failures) {
      const times = `${this.#strikes} health probes in a row failed: ${reason}`;
      const hint = "See what health() of the service checks; health.failures sets how many are tolerated.";
      return this.#failed(
        asked.generation,
        new SupervisorError("UNHEALTHY", `Service "${name}": ${times}`, hint),
      );
    }
    if (asked.tag === "ready") this.#apply({ tag: "unwell", reason });
    else this.#watchHealth();
  }

  #well(): void {
    this.#strikes = 0;
    if (this.#state.tag === "unhealthy") this.#apply({ tag: "well" });
    else this.#watchHealth();
  }

  #later(delay: number, callback: () => void): void {
    this.#timers.push(this.#options.clock.after(delay, callback));
  }

  #reason(): string | undefined {
    const state = this.#state;
    if ("error" in state) return state.error === undefined ? undefined : messageOf(state.error);
    if (state.tag === "unhealthy") return state.reason;
    if (state.tag === "stopping" && state.goal.tag === "recover") return messageOf(state.goal.error);
    if (state.tag !== "pending" || isOver(state)) return undefined;
    const unmet = this.#options.unmet(this.member);
    return unmet.length > 0 ? `waits for ${unmet.join(", ")}` : undefined;
  }
}

const nothing: ChildEnd = { abandoned: false, cutStreams: 0 };
