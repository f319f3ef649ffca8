import type { Clock } from "../core/clock.ts";
import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Held, LeftBehind } from "../core/report.ts";
import type { ServiceSnapshot } from "../core/snapshot.ts";
import { snapshotOf } from "./child-snapshot.ts";
import type { ChildEnd } from "./ending.ts";
import { nothingToEnd } from "./ending.ts";
import { Generations } from "./generations.ts";
import type { Member } from "./host.ts";
import type { Outcome, Replacement } from "./replacement.ts";
import type { ChildState } from "./state.ts";
import { isAlive, isHeldBack, isOver, isServing, next } from "./state.ts";
import { StateMachine } from "./state-machine.ts";
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

/** One service as the group sees it: what can be asked of it, and what can be asked about it. */
export class Child {
  /** Grows with every first start in the group; undefined until `begin` was called once. */
  startedAs: number | undefined;
  readonly #options: ChildOptions;
  readonly #generations: Generations;
  readonly #machine: StateMachine;
  readonly #watchers: Watchers;
  #isOnTrial = false;
  #note: string | undefined;

  constructor(options: ChildOptions) {
    const { member, clock, random } = options;
    this.#options = options;
    this.#watchers = createWatchers(clock);
    this.#generations = new Generations(member, clock, (stray, allowedMs) => {
      // The end of the group is told in its report.
      if (!this.isFinal) options.abandoned(this, stray, allowedMs);
    });
    this.#machine = new StateMachine({
      generations: this.#generations,
      clock,
      random,
      changed: (from) => this.#changed(from),
      failed: (generation, error) => options.failed(this, generation, error),
    });
  }

  get member(): Member {
    return this.#generations.member;
  }

  get state(): ChildState {
    return this.#machine.state;
  }

  get isPaused(): boolean {
    return this.#generations.isPaused;
  }

  /** An operator's start that has not come to anything yet: giving it up harms nobody else. */
  get isOnTrial(): boolean {
    return this.#isOnTrial;
  }

  /** The group stops, or the service is removed from it: no operation can succeed any more. */
  get isFinal(): boolean {
    return this.#machine.isFinal;
  }

  /** What an operator should know about the generation that serves. */
  get note(): string | undefined {
    return this.#generations.current?.note;
  }

  /** Whether its end is one that counts for "all services have ended". */
  get isDone(): boolean {
    const { state } = this;
    return isOver(state) && !isHeldBack(state) && !this.#isOnTrial && !this.#generations.coming;
  }

  get snapshot(): ServiceSnapshot {
    const { since, failures } = this.#machine;
    return snapshotOf({
      member: this.member,
      state: this.state,
      since,
      failures,
      startedAs: this.startedAs,
      isPaused: this.isPaused,
      replacing: this.#generations.coming?.generation,
      note: this.#note,
      unmet: this.#options.unmet,
    });
  }

  /** What the generation that lives now has in its hands. */
  get held(): Held | undefined {
    return isAlive(this.state) ? this.#generations.current?.held() : undefined;
  }

  /** The last failure since it served, also of a generation before this one; undefined while it serves. */
  get failure(): unknown {
    return this.#machine.failure;
  }

  /** Generations that were abandoned by their successors, and have not ended since. */
  get strays(): readonly LeftBehind[] {
    return this.#generations.strays;
  }

  load(): void {
    this.#machine.load(false);
  }

  begin(): void {
    this.#machine.apply({ tag: "begin" });
  }

  /** Takes `error` as a failure of the generation that runs now, or notes it when there is none. */
  fail(error: unknown): void {
    this.#machine.failed(this.state.generation, error);
  }

  /** Other policies, and other hosts for later generations; the one that runs is not disturbed. */
  adopt(member: Member): void {
    this.#generations.member = member;
  }

  /** Makes a new generation now, where none is alive: whatever was, its failures are forgotten. */
  revive(fresh: boolean): void {
    this.#isOnTrial = true;
    this.#note = undefined;
    this.#machine.forgive();
    this.#machine.load(fresh);
  }

  /** Ends what is alive; it stays away until `revive`. Never rejects. */
  async rest(): Promise<ChildEnd> {
    this.#machine.apply({ tag: "stop", by: "operator" });
    const { ending } = this.#generations;
    return this.state.tag === "stopping" && ending ? ending.done : nothingToEnd;
  }

  pause(): void {
    if (this.#generations.setPaused(true)) this.#options.touched(this);
  }

  resume(): void {
    if (this.#generations.setPaused(false)) this.#options.touched(this);
  }

  /** Hands `config` to the generation that serves; false when it has no way to take it. Rejects with its error. */
  async reload(config: unknown): Promise<boolean> {
    return (await this.#generations.current?.reload?.(config)) ?? false;
  }

  /**
   * Brings up the next generation of `member` beside the one that serves, switches, and ends the old one. When it
   * does not come up, everything stays as it was. Never rejects; `switched` is called at the switch.
   */
  async replace(member: Member, fresh: boolean, switched: (from: number) => void): Promise<Replaced> {
    const coming = this.#generations.bringUp(member, fresh);
    this.#options.touched(this);
    const outcome = await coming.outcome;
    const from = this.state;
    const event = { tag: "replaced", generation: coming.generation } as const;
    if (outcome.tag !== "up" || this.isFinal || next(from, event) === from) {
      return this.#refuse(coming, outcome);
    }
    const outgoing = this.#generations.switchTo(coming, member, from.generation);
    this.#note = undefined;
    this.#machine.replaced(coming);
    switched(from.generation);
    const end = await this.#generations.retire(outgoing, isServing(from));
    return { tag: "replaced", end, note: coming.host.note };
  }

  quiet(): void {
    if (isAlive(this.state)) this.#generations.current?.quiet();
  }

  /** From now on nothing begins by itself any more: no retry, no next generation. */
  halt(): void {
    if (this.isFinal) return;
    this.#machine.beFinal();
    this.#generations.coming?.end();
    if (!isAlive(this.state)) this.#machine.apply({ tag: "stop" });
    this.#watchers.poke();
  }

  /** Ends the service, with the generation that was to replace it first, within `budget` ms; never rejects. */
  async stop(budget: number): Promise<ChildEnd> {
    const { clock } = this.#options;
    const at = clock.now() + budget;
    this.halt();
    this.#generations.retiring?.hurry(at);
    const coming = this.#generations.coming?.end();
    coming?.hurry(clock.now() + budget / 2);
    await coming?.done;
    let end = nothingToEnd;
    if (isAlive(this.state)) {
      this.#machine.stop(at - clock.now());
      const { ending } = this.#generations;
      ending?.hurry(at);
      end = (await ending?.done) ?? nothingToEnd;
      end = { ...end, error: end.error ?? this.#machine.lateError };
    }
    await this.#generations.retiring?.done;
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

  #changed(from: ChildState): void {
    const { state } = this;
    const isUp = isServing(state) && !isServing(from);
    if (isUp || state.tag === "stopped" || state.tag === "completed") this.#isOnTrial = false;
    this.#options.changed(this, from);
    this.#watchers.poke();
  }

  async #refuse({ generation }: Replacement, outcome: Outcome): Promise<Replaced> {
    await this.#generations.giveUpComing(isLate(outcome) ? lateMs : undefined);
    if (outcome.tag === "inseparable") {
      this.#options.touched(this);
      return { tag: "inseparable" };
    }
    const error = outcome.tag === "failed" ? outcome.error : new Error("There is nothing left to replace");
    this.#note = `generation ${generation} was refused: ${messageOf(error)}`;
    this.#options.touched(this);
    this.#machine.retryIfDue();
    return { tag: "failed", generation, error };
  }
}

/** A generation that has not noticed the time it had is not likely to notice its end; whoever asked waits for it. */
const lateMs = 1_000;

function isLate(outcome: Outcome): boolean {
  return (
    outcome.tag === "failed" &&
    outcome.error instanceof SupervisorError &&
    outcome.error.code === "START_TIMEOUT"
  );
}
