import type { Clock } from "../core/clock.ts";
import { isPermanent, messageOf } from "../core/errors.ts";
import { defaultStopTimeout } from "../core/ladder.ts";
import type { Held, LeftBehind } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import type { ChildEnd, Ending } from "./ending.ts";
import { endHost, nothingToEnd } from "./ending.ts";
import type { HealthSubject, HealthWatch } from "./health-watch.ts";
import { createHealthWatch } from "./health-watch.ts";
import type { Host, HostReport, Member } from "./host.ts";
import { startInTime } from "./patience.ts";
import type { Replacement } from "./replacement.ts";
import { bringUp } from "./replacement.ts";
import type { RestartHistory, Verdict } from "./restart.ts";
import { afterCompletion, afterFailure, afterStable, noFailures } from "./restart.ts";
import type { ChildEvent, ChildState, StopGoal } from "./state.ts";
import { isAlive, isHeldBack, isOver, isServing, next } from "./state.ts";
import type { Watchers } from "./watchers.ts";
import { createWatchers } from "./watchers.ts";

export interface ChildOptions {
  readonly member: Member;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called after every transition. */
  readonly changed: (child: Child, from: ChildState) => void;
  /** Its state is the same, but its snapshot is not. */
  readonly touched: (child: Child) => void;
  readonly failed: (child: Child, generation: number, error: unknown) => void;
  /** A generation is left to itself after `allowedMs`, and its service goes on without it. */
  readonly abandoned: (child: Child, stray: LeftBehind, allowedMs: number) => void;
  /** What the service still waits for, in words; empty when it may start. */
  readonly unmet: (member: Member) => readonly string[];
}

export type Replaced =
  | { readonly tag: "replaced"; readonly end: ChildEnd; readonly note: string | undefined }
  | { readonly tag: "inseparable" }
  | { readonly tag: "failed"; readonly generation: number; readonly error: unknown };

/** Runs one service: feeds what happens into `next()` and acts on the state that comes out, nowhere else. */
export class Child {
  /** Grows with every first start in the group; undefined until `begin` was called once. */
  startedAs: number | undefined;
  readonly #options: ChildOptions;
  #member: Member;
  #state: ChildState = { tag: "pending", generation: 0 };
  #since: number;
  #history: RestartHistory = noFailures;
  /** The number of the newest generation. */
  #issued = 0;
  #fresh = false;
  #host: Host | undefined;
  #replacement: Replacement | undefined;
  #ending: Ending | undefined;
  /** The end of the generation that was replaced. */
  #retiring: Ending | undefined;
  #budget = defaultStopTimeout;
  #final = false;
  #isPaused = false;
  #isOnTrial = false;
  #note: string | undefined;
  /** Generations past their deadline that have not ended, by number. */
  readonly #strays = new Map<number, Host>();
  /** The first failure after the group began to stop. */
  #lateError: unknown;
  #timers: (() => void)[] = [];
  readonly #watchers: Watchers;
  readonly #health: HealthWatch;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#member = options.member;
    this.#since = options.clock.wall();
    this.#watchers = createWatchers(options.clock);
    this.#health = createHealthWatch(this.#asHealthSubject(), options.clock);
  }

  get member(): Member {
    return this.#member;
  }

  get state(): ChildState {
    return this.#state;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** An operator's start that has not come to anything yet: giving it up harms nobody else. */
  get isOnTrial(): boolean {
    return this.#isOnTrial;
  }

  /** The group stops, or the service is removed from it: no operation can succeed any more. */
  get isFinal(): boolean {
    return this.#final;
  }

  /** What an operator should know about the generation that serves. */
  get note(): string | undefined {
    return this.#host?.note;
  }

  /** Whether its end is one that counts for "all services have ended". */
  get isDone(): boolean {
    return isOver(this.#state) && !isHeldBack(this.#state) && !this.#isOnTrial && !this.#replacement;
  }

  get snapshot(): ServiceSnapshot {
    const state = this.#state;
    const reason = this.#reason();
    return {
      name: this.#member.name,
      state: state.tag,
      generation: state.generation,
      critical: this.#member.critical,
      since: this.#since,
      failures: this.#history.attempt,
      ...(this.startedAs === undefined ? {} : { startedAs: this.startedAs }),
      ...(reason ? { reason } : {}),
      ...("delay" in state ? { retryAt: this.#since + state.delay } : {}),
      ...(this.#isPaused ? { paused: true } : {}),
      ...(this.#replacement ? { replacing: this.#replacement.generation } : {}),
      ...(isHeldBack(state) ? { stoppedBy: "operator" } : {}),
      ...(this.#note === undefined ? {} : { note: this.#note }),
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
    this.#load(false);
  }

  begin(): void {
    this.#apply({ tag: "begin" });
  }

  /** Takes `error` as a failure of the generation that runs now, or notes it when there is none. */
  fail(error: unknown): void {
    this.#failed(this.#state.generation, error);
  }

  /** Other policies, and other hosts for later generations; the one that runs is not disturbed. */
  adopt(member: Member): void {
    this.#member = member;
  }

  /** Makes a new generation now, where none is alive: whatever was, its failures are forgotten. */
  revive(fresh: boolean): void {
    this.#isOnTrial = true;
    this.#history = noFailures;
    this.#note = undefined;
    this.#load(fresh);
  }

  /** Ends what is alive; it stays away until `revive`. Never rejects. */
  async rest(): Promise<ChildEnd> {
    this.#apply({ tag: "stop", by: "operator" });
    return this.#state.tag === "stopping" && this.#ending ? this.#ending.done : nothingToEnd;
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /** Hands `config` to the generation that serves; false when it has no way to take it. Rejects with its error. */
  async reload(config: unknown): Promise<boolean> {
    return (await this.#host?.reload?.(config)) ?? false;
  }

  /**
   * Brings up the next generation of `member` beside the one that serves, switches, and ends the old one. When it
   * does not come up, everything stays as it was. Never rejects; `switched` is called at the switch.
   */
  async replace(member: Member, fresh: boolean, switched: (from: number) => void): Promise<Replaced> {
    const replacement = bringUp({
      member,
      generation: ++this.#issued,
      clock: this.#options.clock,
      fresh,
      paused: this.#isPaused,
      serving: () => this.#host,
      end: (generation, host) => this.#endHost(generation, host, this.#stopTimeout, false),
    });
    const { generation } = replacement;
    this.#replacement = replacement;
    this.#options.touched(this);
    const outcome = await replacement.outcome;
    const from = this.#state;
    if (outcome.tag === "up" && !this.#final && next(from, { tag: "replaced", generation }) !== from) {
      const [old, ending, budget] = [this.#host as Host, this.#ending, this.#stopTimeout];
      this.#takeOver(replacement, member);
      switched(from.generation);
      this.#retiring = isServing(from) ? this.#endHost(from.generation, old, budget, false) : ending;
      const end = (await this.#retiring?.done) ?? nothingToEnd;
      this.#retiring = undefined;
      return { tag: "replaced", end, note: replacement.host.note };
    }
    const error = outcome.tag === "failed" ? outcome.error : new Error("There is nothing left to replace");
    await replacement.end().done;
    this.#replacement = undefined;
    if (outcome.tag === "inseparable") {
      this.#options.touched(this);
      return { tag: "inseparable" };
    }
    this.#note = `generation ${generation} was refused: ${messageOf(error)}`;
    this.#options.touched(this);
    // A retry that fell due meanwhile had to wait: never two generations at once by accident.
    if ("delay" in this.#state && this.#timers.length === 0) this.load();
    return { tag: "failed", generation, error };
  }

  quiet(): void {
    if (isAlive(this.#state)) this.#host?.quiet();
  }

  /** From now on nothing begins by itself any more: no retry, no next generation. */
  halt(): void {
    if (this.#final) return;
    this.#final = true;
    this.#replacement?.end();
    if (!isAlive(this.#state)) this.#apply({ tag: "stop" });
    this.#watchers.poke();
  }

  /** Ends the service, with the generation that was to replace it first, within `budget` ms; never rejects. */
  async stop(budget: number): Promise<ChildEnd> {
    const { clock } = this.#options;
    const at = clock.now() + budget;
    this.halt();
    this.#retiring?.hurry(at);
    const coming = this.#replacement?.end();
    coming?.hurry(clock.now() + budget / 2);
    await coming?.done;
    let end = nothingToEnd;
    if (isAlive(this.#state)) {
      this.#budget = at - clock.now();
      this.#apply({ tag: "stop" });
      this.#ending?.hurry(at);
      end = (await this.#ending?.done) ?? nothingToEnd;
      end = { ...end, error: end.error ?? this.#lateError };
    }
    await this.#retiring?.done;
    return end;
  }

  /** Resolves true when `holds`, which is asked after every change and by `look`; false after `patienceMs`. */
  until(holds: () => boolean, patienceMs: number): Promise<boolean> {
    return this.#watchers.until(holds, patienceMs);
  }

  /** Something that `until` may wait for has changed elsewhere. */
  look(): void {
    this.#watchers.poke();
  }

  get #stopTimeout(): number {
    return this.#member.stopTimeout ?? defaultStopTimeout;
  }

  #load(fresh: boolean): void {
    if (this.#final) return;
    this.#fresh = fresh;
    this.#apply({ tag: "load", generation: this.#issued + 1 });
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
    this.#watchers.poke();
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
        if (!isServing(from)) this.#isOnTrial = false;
        if (!isServing(from) || from.generation !== state.generation) this.#health.forget();
        this.#health.askLater();
        if (state.tag === "ready") this.#later(this.#member.restart.stable, () => this.#becameStable());
        break;
      case "stopping":
        if (from.tag !== "stopping") this.#end(state.generation);
        break;
      case "backoff":
      case "quarantined":
        if (this.#final) this.#apply({ tag: "stop" });
        else this.#later(state.delay, () => this.#retry());
        break;
      case "stopped":
      case "completed":
        this.#isOnTrial = false;
        break;
    }
  }

  async #init(generation: number): Promise<void> {
    this.#issued = generation;
    const host = this.#member.createHost(generation, this.#reportOf(generation), { fresh: this.#fresh });
    this.#host = host;
    if (this.#isPaused) host.pause();
    const failure = await startInTime(this.#member, this.#options.clock, "init()", host.load());
    if (failure) this.#failed(generation, failure.error);
    else this.#onlyIf(generation, { tag: "loaded" });
  }

  async #start(generation: number): Promise<void> {
    const work = (this.#host as Host).start();
    const failure = await startInTime(this.#member, this.#options.clock, "start()", work);
    if (failure) this.#failed(generation, failure.error);
    else this.#onlyIf(generation, { tag: "ready" });
  }

  #retry(): void {
    // The generation that comes up takes over, or `replace` tries again.
    this.#timers = [];
    if (!this.#replacement) this.load();
  }

  #takeOver(replacement: Replacement, member: Member): void {
    const { generation, host } = replacement;
    this.#replacement = undefined;
    this.#member = member;
    this.#host = host;
    this.#history = noFailures;
    this.#note = undefined;
    this.#apply({ tag: "replaced", generation });
    replacement.adopt(this.#reportOf(generation));
  }

  #reportOf(generation: number): HostReport {
    return {
      failed: (error) => this.#failed(generation, error),
      completed: () => this.#onlyIf(generation, { tag: "completed" }),
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

  #end(generation: number): void {
    const budget = this.#final ? this.#budget : this.#stopTimeout;
    this.#ending = this.#endHost(generation, this.#host as Host, budget, this.#final);
    void this.#ending.done.then(() => {
      if (this.#state.tag !== "stopping" || this.#state.generation !== generation) return;
      this.#apply({ tag: "ended", verdict: this.#verdict(this.#state.goal) });
    });
  }

  #endHost(generation: number, host: Host, budget: number, final: boolean): Ending {
    return endHost(host, this.#options.clock, { budget, final }, (held, gone) => {
      this.#strays.set(generation, host);
      void gone.then(() => this.#strays.delete(generation));
      // The end of the group is told in its report.
      if (!this.#final) this.#options.abandoned(this, { generation, held }, budget);
    });
  }

  #verdict(goal: StopGoal): Verdict {
    if (this.#final || goal.tag === "stop") return { tag: "giveUp" };
    if (goal.tag === "complete") return afterCompletion(this.#member.restart);
    const { clock, random } = this.#options;
    const facts = {
      now: clock.now(),
      permanent: isPermanent(goal.error),
      critical: this.#member.critical,
      random: random(),
    };
    const { history, verdict } = afterFailure(this.#member.restart, this.#history, facts);
    this.#history = history;
    return verdict;
  }

  #becameStable(): void {
    this.#history = afterStable(this.#history);
  }

  #asHealthSubject(): HealthSubject {
    const child = this;
    return {
      get state() {
        return child.#state;
      },
      get host() {
        return child.#host;
      },
      get member() {
        return child.#member;
      },
      later: (delay, callback) => this.#later(delay, callback),
      apply: (event) => this.#apply(event),
      failed: (generation, error) => this.#failed(generation, error),
    };
  }

  #setPaused(paused: boolean): void {
    if (this.#isPaused === paused) return;
    this.#isPaused = paused;
    // Also a host that has ended: what lets work in outlives it.
    const hosts = [this.#host, this.#replacement?.host];
    for (const host of hosts) paused ? host?.pause() : host?.resume();
    this.#options.touched(this);
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
    const unmet = this.#options.unmet(this.#member);
    return unmet.length > 0 ? `waits for ${unmet.join(", ")}` : undefined;
  }
}
