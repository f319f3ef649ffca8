import type { Beacon } from "../core/beacon.ts";
import { withMark } from "../core/beacon.ts";
import type { Clock } from "../core/clock.ts";
import { within } from "../core/deadline.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Ended, Held } from "../core/report.ts";
import type { Host, HostReport, StopOptions, StopOutcome } from "../group/host.ts";
import type { Context, Health, Service, ServiceHandle } from "../service/contract.ts";
import type { Intake } from "../service/intake.ts";
import type { Queue } from "../service/message.ts";
import type { Scope } from "../service/scope.ts";
import { scopes } from "../service/scope.ts";
import { createContext } from "./context.ts";
import type { Inlets } from "./inlets.ts";
import { createInlets } from "./inlets.ts";

export interface InlineOptions {
  readonly name: string;
  readonly generation: number;
  /** What the generation is made of; asked once, when it loads. */
  readonly blueprint: () => Promise<Blueprint> | Blueprint;
  readonly env: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly beacon: Beacon;
  /** The value of the beacon while this service's code is on the stack. */
  readonly mark: number;
  /** How work reaches the service; absent or empty when nothing can ask it anything. */
  readonly intakes?: readonly Intake[];
  /** Milliseconds in which `start` has to resolve; half of what is left of it is spent on waiting for brokers. */
  readonly startTimeout?: number;
  readonly service: (name: string) => ServiceHandle;
  readonly queue: (broker?: string) => Queue;
  readonly report: HostReport;
  /** Called with the scope of this generation, to blame it for errors nobody caught; returns how to end that. */
  readonly blame: (scope: Scope) => () => void;
  /** Called when the generation takes work. */
  readonly serving?: () => void;
  /** What an operator should know about this generation. */
  readonly note?: string;
}

export interface Blueprint {
  readonly create: (ctx: Context) => Promise<Service> | Service;
  readonly config: unknown;
}

type Fetch = NonNullable<Service["fetch"]>;
type Hook = "init" | "start" | "run" | "reload" | "stop" | "defer";

/** A service that runs on the main thread: nothing stands between it and its callers, and nothing can kill it. */
export class InlineHost implements Host {
  readonly note?: string;
  readonly #options: InlineOptions;
  readonly #scope: Scope;
  readonly #ctx: Context;
  readonly #aborter = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  readonly #cleanups: (() => void | Promise<void>)[] = [];
  /** Hooks that were called and have not returned. */
  readonly #open = new Map<Hook, Promise<void>>();
  #service: Service = {};
  #config: unknown;
  readonly #inlets: Inlets;
  #loading: Promise<void> | undefined;
  #started = false;
  #deadline = Number.POSITIVE_INFINITY;
  #unblame: () => void;

  constructor(options: InlineOptions) {
    const { name, generation, log, mark, report } = options;
    this.#options = options;
    this.#inlets = createInlets(name, options.intakes ?? []);
    if (options.note !== undefined) this.note = options.note;
    this.#scope = { service: name, generation, log, beacon: mark, failed: (error) => report.failed(error) };
    this.#unblame = options.blame(this.#scope);
    this.#ctx = createContext({
      name,
      generation,
      config: () => this.#config,
      env: options.env,
      log,
      signal: this.#aborter.signal,
      deadline: () => this.#deadline,
      ready: () => this.#ready.resolve(),
      defer: (cleanup) => void this.#cleanups.push(cleanup),
      service: options.service,
      queue: options.queue,
    });
    // A failed start that nobody waits for any more is told by `load`/`start`, not by the runtime.
    this.#ready.promise.catch(() => {});
  }

  isOneWith(other: Host): boolean {
    const { start, run, stop } = this.#service;
    // Two lives of an object that only answers requests do not get in each other's way.
    return (
      (start ?? run ?? stop) !== undefined && other instanceof InlineHost && other.#service === this.#service
    );
  }

  get probes(): boolean {
    return this.#service.health !== undefined;
  }

  load(): Promise<void> {
    this.#loading = this.#hook("init", async () => {
      const { create, config } = await this.#options.blueprint();
      this.#config = config;
      this.#service = await create(this.#ctx);
      this.#inlets.assertFits(this.#service);
      if (this.#service.init) await this.#enter(() => this.#service.init?.(this.#ctx));
    });
    return this.#loading;
  }

  async start(): Promise<void> {
    const { clock, startTimeout = endless } = this.#options;
    const at = clock.now() + startTimeout;
    this.#started = true;
    if (this.#service.start) await this.#startService();
    if (this.#aborter.signal.aborted) return;
    const joining = this.#inlets.join(clock, (at - clock.now()) / 2);
    if (joining) await joining;
    if (this.#aborter.signal.aborted) return;
    this.#openInlets();
    this.#options.serving?.();
    if (this.#service.run) this.#run();
  }

  /** Until `start` of the service has resolved, or it has called `ctx.ready()`. */
  async #startService(): Promise<void> {
    const starting = this.#hook("start", () => this.#service.start?.(this.#ctx));
    let early = false;
    starting.then(this.#ready.resolve, (error) => {
      // After ctx.ready() nobody awaits a blocking start any more: its failure is one of a running service.
      if (early) this.#options.report.failed(error);
      this.#ready.reject(error);
    });
    await this.#ready.promise;
    early = true;
  }

  /** A service that throws here is asked no more: it gets a new generation, and that tells what is wrong. */
  async reload(config: unknown): Promise<boolean> {
    if (this.#service.reload === undefined) return false;
    try {
      await this.#hook("reload", () => this.#service.reload?.(config, this.#ctx));
    } catch (error) {
      this.#options.log.warn("reload() failed: a new generation takes its place", { error });
      return false;
    }
    this.#config = config;
    return true;
  }

  async health(): Promise<Health> {
    const said = await this.#enter(() => this.#service.health?.(this.#ctx));
    return said ?? { status: "pass" };
  }

  pause(): void {
    this.#inlets.pause();
  }

  resume(): void {
    this.#inlets.resume();
  }

  quiet(): void {
    this.#inlets.quiet();
  }

  async stop(options: StopOptions): Promise<StopOutcome> {
    this.#deadline = this.#options.clock.wall() + options.budget;
    const failures: Error[] = [];
    const note = (error: unknown) =>
      void failures.push(error instanceof Error ? error : new Error(messageOf(error)));
    this.#aborter.abort();
    await this.#loading?.catch(() => {});
    await this.#inlets.drain({ final: options.final });
    if (this.#started) await this.#stopService(options, note);
    for (const cleanup of this.#cleanups.splice(0).reverse()) await this.#hook("defer", cleanup).catch(note);
    this.#unblame();
    if (failures.length > 0) throw together(failures);
    return { cutStreams: this.#inlets.cutStreams };
  }

  get ended(): Ended | undefined {
    return this.#inlets.ended;
  }

  held(): Held {
    return { ...this.#inlets.held(), hooks: [...this.#open.keys()] };
  }

  abandon(): Held {
    const held = this.held();
    this.#inlets.cut();
    return held;
  }

  /**
   * A start that is still under way gets half of the time to notice the abort: a `stop` that meets a
   * half-made service would release what does not exist yet, and leave what comes later.
   */
  async #stopService(options: StopOptions, note: (error: unknown) => void): Promise<void> {
    const { clock } = this.#options;
    const starting = this.#open.get("start");
    if (starting)
      await within(clock, clock.now() + options.budget / 2, Promise.race([starting, this.#ready.promise]));
    await this.#hook("stop", () => this.#service.stop?.(this.#ctx)).catch(note);
    await Promise.all([this.#open.get("start"), this.#open.get("run")].map((hook) => hook?.catch(() => {})));
  }

  #openInlets(): void {
    const service = this.#service;
    this.#inlets.open(service, {
      scope: this.#scope,
      ...(service.fetch ? { fetch: (request, env) => (service.fetch as Fetch)(request, env) } : {}),
      websocket: (service as { websocket?: unknown }).websocket,
      life: { service, ctx: this.#ctx, enter: (work) => this.#enter(work) },
    });
  }

  #run(): void {
    const { report } = this.#options;
    const running = this.#hook("run", () => this.#service.run?.(this.#ctx));
    running.then(
      () => this.#aborter.signal.aborted || report.completed(),
      (error) => this.#aborter.signal.aborted || report.failed(error),
    );
  }

  /** Calls into the service, and remembers that the call is open until it settles. */
  #hook(name: Hook, work: () => unknown): Promise<void> {
    const open = this.#enter(async () => void (await work())).finally(() => this.#open.delete(name));
    this.#open.set(name, open);
    open.catch(() => {});
    return open;
  }

  #enter<T>(work: () => T): T {
    return scopes.run(this.#scope, () => withMark(this.#options.beacon, this.#options.mark, work));
  }
}

/** What no clock refuses as a delay, in milliseconds. */
const endless = 2 ** 31 - 1;

/** One error as it is; several with all of their messages. */
function together(failures: readonly Error[]): Error {
  const [first] = failures;
  if (failures.length === 1) return first as Error;
  return new AggregateError(failures, failures.map(messageOf).join("; "));
}
