import type { Clock } from "../core/clock.ts";
import { defaultStopTimeout } from "../core/ladder.ts";
import type { LeftBehind } from "../core/report.ts";
import type { ChildEnd, Ending } from "./ending.ts";
import { endHost, nothingToEnd } from "./ending.ts";
import type { Host, HostReport, Member, StopOptions } from "./host.ts";
import { startInTime } from "./patience.ts";
import type { Replacement } from "./replacement.ts";
import { bringUp } from "./replacement.ts";

/** The generation that was replaced, as it was at the switch. */
export interface Outgoing {
  readonly generation: number;
  readonly host: Host;
  /** Its end, where that had begun before. */
  readonly ending: Ending | undefined;
  /** Milliseconds, by the policy that it began with. */
  readonly budget: number;
}

/**
 * The generations of one service: the current one, the one that comes up beside it, those on their way out and those
 * that were left to themselves. Which of them is wanted, others decide.
 */
export class Generations {
  /** Makes the generations to come; the current one is not disturbed by another. */
  member: Member;
  readonly #clock: Clock;
  readonly #abandoned: (stray: LeftBehind, allowedMs: number) => void;
  #newest = 0;
  #current: Host | undefined;
  #ending: Ending | undefined;
  #coming: Replacement | undefined;
  #retiring: Ending | undefined;
  #isPaused = false;
  /** Past their deadline, and not ended, by number. */
  readonly #strays = new Map<number, Host>();

  /** `abandoned` is called when a generation is left to itself after `allowedMs`. */
  constructor(member: Member, clock: Clock, abandoned: (stray: LeftBehind, allowedMs: number) => void) {
    this.member = member;
    this.#clock = clock;
    this.#abandoned = abandoned;
  }

  /** The number of the newest one; each has a higher one than any before. */
  get newest(): number {
    return this.#newest;
  }

  /** The last that was made the service, also when it has ended. */
  get current(): Host | undefined {
    return this.#current;
  }

  /** The last end of a current one. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** What comes up to replace the current one. */
  get coming(): Replacement | undefined {
    return this.#coming;
  }

  /** The end of the one that was replaced. */
  get retiring(): Ending | undefined {
    return this.#retiring;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Milliseconds that the end of one may take. */
  get stopTimeout(): number {
    return this.member.stopTimeout ?? defaultStopTimeout;
  }

  /** Those that were abandoned by their successors, and have not ended since. */
  get strays(): readonly LeftBehind[] {
    return [...this.#strays].map(([generation, host]) => ({ generation, held: host.held() }));
  }

  /** Makes the current one anew. Resolves with what is wrong with it, or undefined; never rejects. */
  load(generation: number, report: HostReport, fresh: boolean): ReturnType<typeof startInTime> {
    this.#newest = generation;
    const host = this.member.createHost(generation, report, { fresh });
    this.#current = host;
    if (this.#isPaused) host.pause();
    return startInTime(this.member, this.#clock, "init()", host.load());
  }

  /** Starts the current one. Resolves like `load`. */
  start(): ReturnType<typeof startInTime> {
    return startInTime(this.member, this.#clock, "start()", (this.#current as Host).start());
  }

  /** Ends the current one. */
  end(generation: number, options: StopOptions): Ending {
    this.#ending = this.#end(generation, this.#current as Host, options);
    return this.#ending;
  }

  /** Brings the next one up, of `member`, beside the current one: `switchTo` or `giveUpComing` decides about it. */
  bringUp(member: Member, fresh: boolean): Replacement {
    this.#coming = bringUp({
      member,
      generation: ++this.#newest,
      clock: this.#clock,
      fresh,
      paused: this.#isPaused,
      serving: () => this.#current,
      end: (generation, host) => this.#end(generation, host, { budget: this.stopTimeout, final: false }),
    });
    return this.#coming;
  }

  /** `coming` is the current one now, in the place of number `before`: `retire` ends that one. */
  switchTo(coming: Replacement, member: Member, before: number): Outgoing {
    const host = this.#current as Host;
    const outgoing = { generation: before, host, ending: this.#ending, budget: this.stopTimeout };
    this.#coming = undefined;
    this.#current = coming.host;
    this.member = member;
    return outgoing;
  }

  /** Ends what was replaced, if it still `serves`. Never rejects. */
  async retire({ generation, host, ending, budget }: Outgoing, serves: boolean): Promise<ChildEnd> {
    this.#retiring = serves ? this.#end(generation, host, { budget, final: false }) : ending;
    const end = (await this.#retiring?.done) ?? nothingToEnd;
    this.#retiring = undefined;
    return end;
  }

  /** Ends what comes up, within `patienceMs` where that is shorter than its stop timeout. Never rejects. */
  async giveUpComing(patienceMs = this.stopTimeout): Promise<void> {
    const ending = this.#coming?.end();
    ending?.hurry(this.#clock.now() + patienceMs);
    await ending?.done;
    this.#coming = undefined;
  }

  /** Returns whether that was anything new. */
  setPaused(paused: boolean): boolean {
    if (this.#isPaused === paused) return false;
    this.#isPaused = paused;
    // Also a host that has ended: what lets work in outlives it.
    const hosts = [this.#current, this.#coming?.host];
    for (const host of hosts) paused ? host?.pause() : host?.resume();
    return true;
  }

  #end(generation: number, host: Host, options: StopOptions): Ending {
    return endHost(host, this.#clock, options, (held, gone) => {
      this.#strays.set(generation, host);
      void gone.then(() => this.#strays.delete(generation));
      this.#abandoned({ generation, held }, options.budget);
    });
  }
}
