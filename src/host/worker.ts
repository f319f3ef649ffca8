import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Floor, Gone } from "../core/floor.ts";
import type { Logger } from "../core/log.ts";
import type { ServicePlan } from "../core/plan.ts";
import type { Ended, Held } from "../core/report.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Host, HostReport, StopOptions, StopOutcome } from "../group/host.ts";
import type { Health } from "../service/contract.ts";
import type { Intake, IntakeEnv, Lease } from "../service/intake.ts";
import type { Scope } from "../service/scope.ts";
import { openHooks } from "./hook-marks.ts";
import { endedOf } from "./inlets.ts";
import type { ThreadGuard } from "./thread-guard.ts";
import { createThreadGuard } from "./thread-guard.ts";
import { createRotation } from "./thread-rotation.ts";
import { heldIn } from "./thread-vitals.ts";
import { atRest, sumOf } from "./work-sum.ts";
import type { WorkerPool } from "./worker-pool.ts";
import { addressText } from "./worker-request-env.ts";
import type { ThreadOwner, WorkerThread } from "./worker-thread.ts";

export interface WorkerHostOptions {
  readonly service: ServicePlan;
  readonly generation: number;
  /** As `Host.note`. */
  readonly note?: string;
  readonly pool: WorkerPool;
  /** Loads the module in threads that wait in the pool, when it is to be loaded anew; asked once. */
  readonly prepare: () => Promise<unknown>;
  /** Of the service, where it consumes: its threads claim nothing before those of an earlier generation are gone. */
  readonly floor?: Floor;
  /** Called when the generation takes work. */
  readonly serving: () => void;
  /** Called when it has ended, however. */
  readonly ended: () => void;
  readonly log: Logger;
  readonly clock: Clock;
  /** The value of the beacon while main passes a request on. */
  readonly mark: number;
  readonly intake?: Intake;
  readonly report: HostReport;
  /** Told what all of its threads have done. */
  readonly worked: (work: ServiceWork) => void;
}

/** A second thread that fails within this time fails the generation, in milliseconds. */
const calmMs = 10_000;

/** How long a thread that is replaced has to finish what it has, in milliseconds. */
const retireMs = 10_000;

/**
 * A service in threads of its own. A thread that fails while others serve is replaced alone; when it is the last one,
 * or the second within `calmMs`, the generation has failed.
 */
export class WorkerHost implements Host, ThreadOwner {
  readonly note?: string;
  readonly #options: WorkerHostOptions;
  /** Those that serve, or will; a thread that is gone is not among them. */
  #threads: WorkerThread[] = [];
  readonly #retiring = new Set<WorkerThread>();
  readonly #completed = new Set<WorkerThread>();
  /** Those that have started: requests go to these. */
  readonly #ready = createRotation<WorkerThread>((thread) => thread.link.busy);
  readonly #guard: ThreadGuard;
  /** With the config that the threads have now. */
  #service: ServicePlan;
  #probes = false;
  #lease: Lease | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #isStarted = false;
  #isEnding = false;
  #isPaused = false;
  #isQuiet = false;
  #mayClaim = false;
  #leaveFloor: ((gone: Gone) => void) | undefined;
  /** The owners of leases of threads that are gone, for whoever claims next. */
  readonly #gone: string[] = [];
  /** What those have done that are gone. */
  #past: ServiceWork | undefined;
  /** Why work cannot come, by thread. */
  readonly #troubles = new Map<WorkerThread, string>();

  constructor(options: WorkerHostOptions) {
    this.#options = options;
    if (options.note !== undefined) this.note = options.note;
    this.#service = options.service;
    this.#guard = createThreadGuard(options.service, options.clock, (thread, error) => {
      this.fault(thread, error, true);
      void thread.terminate(error);
    });
  }

  get probes(): boolean {
    return this.#probes;
  }

  async load(): Promise<void> {
    const { pool, service, prepare } = this.#options;
    await prepare();
    this.#threads = pool.take(service);
    if (this.#isEnding) return this.#terminate();
    for (const thread of this.#threads) thread.owner = this;
    this.#leaveFloor = this.#options.floor?.join((gone) => {
      this.#mayClaim = true;
      for (const thread of this.#threads) thread.claim(gone);
    });
    await Promise.all(this.#threads.map((thread) => this.#load(thread)));
  }

  async start(): Promise<void> {
    const abilities = await Promise.all(this.#threads.map((thread) => thread.start()));
    if (this.#isEnding) return;
    for (const thread of this.#threads) this.#serves(thread);
    this.#isStarted = true;
    this.#probes = abilities.some(({ probes }) => probes);
    if (abilities.some(({ fetches }) => fetches)) this.#open();
    this.#options.serving();
  }

  async health(): Promise<Health> {
    const answers = await Promise.all(this.#ready.all().map((thread) => thread.health()));
    const byGravity = (status: Health["status"]) => answers.find((answer) => answer.status === status);
    return byGravity("fail") ?? byGravity("warn") ?? { status: "pass" };
  }

  async reload(config: unknown): Promise<boolean> {
    const taken = await Promise.all(this.#ready.all().map((thread) => thread.reload(config)));
    if (!taken.every(Boolean)) return false;
    this.#service = { ...this.#service, config };
    return true;
  }

  pause(): void {
    this.#isPaused = true;
    this.#options.intake?.pause();
    for (const thread of this.#threads) thread.tell("pause");
  }

  resume(): void {
    this.#isPaused = false;
    this.#options.intake?.resume();
    for (const thread of this.#threads) thread.tell("resume");
  }

  quiet(): void {
    this.#isQuiet = true;
    this.#options.intake?.quiet();
    for (const thread of this.#threads) thread.tell("quiet");
  }

  async stop({ budget, final }: StopOptions): Promise<StopOutcome> {
    const { intake } = this.#options;
    this.#end();
    const threads = this.#threads;
    const stops = Promise.allSettled(threads.map((thread) => thread.stop(budget, final)));
    if (this.#lease) await this.#lease.drain({ final });
    else if (final) intake?.close();
    for (const thread of threads) thread.drained();
    const failures = (await stops).flatMap((stop) => (stop.status === "rejected" ? [stop.reason] : []));
    await this.#terminate();
    this.#leaveFloor?.(this.#gone);
    this.#options.ended();
    if (failures.length > 0) throw together(failures);
    return { cutStreams: this.#lease?.cutStreams ?? 0 };
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Scheduled runs that have begun and not ended. */
  get runs(): number {
    return this.held().runs ?? 0;
  }

  /** Begins a run of the schedule; undefined while the thread that keeps it does not serve. */
  async runNow(): Promise<ScheduleRun | undefined> {
    return this.#ready
      .all()
      .find(({ instance }) => instance === 1)
      ?.runNow();
  }

  get ended(): Ended | undefined {
    return endedOf(this.#lease ? [this.#lease] : []);
  }

  held(): Held {
    const inFlight = this.#lease?.held() ?? { requests: 0, streams: 0, websockets: 0 };
    return {
      ...inFlight,
      ...heldIn(this.#threads.map(({ vitals }) => vitals)),
      hooks: [...new Set(this.#threads.flatMap((thread) => openHooks(thread.vitals)))],
    };
  }

  abandon(): Held {
    this.#end();
    const held = this.held();
    this.#lease?.cut();
    void this.#terminate().then(() => this.#leaveFloor?.(this.#gone));
    this.#options.ended();
    return held;
  }

  fault(thread: WorkerThread, error: Error, isGone: boolean): void {
    if (this.#isEnding || !this.#threads.includes(thread)) return;
    const { clock, report, log } = this.#options;
    const isAlone = this.#ready.size <= 1;
    const again = clock.now() - this.#failedAt < calmMs;
    this.#failedAt = clock.now();
    if (isGone) {
      this.#remove(thread);
      this.#bury([thread]);
    }
    // Of a thread that goes while it starts, the start that is awaited tells.
    if (!this.#isStarted && isGone) return;
    if (!this.#isStarted || isAlone || again) {
      report.failed(error);
      return;
    }
    log.error("a thread of the service has failed and is replaced", { error, instance: thread.instance });
    this.#remove(thread);
    if (!isGone) void this.#retire(thread);
    void this.#replace(thread.instance);
  }

  completed(thread: WorkerThread): void {
    this.#completed.add(thread);
    if (this.#threads.every((each) => this.#completed.has(each))) this.#options.report.completed();
  }

  troubled(thread: WorkerThread, reason: string | undefined): void {
    if (this.#isEnding || !this.#threads.includes(thread)) return;
    if (reason === undefined) this.#troubles.delete(thread);
    else this.#troubles.set(thread, reason);
    this.#tellTrouble();
  }

  worked(): void {
    const threads = [...this.#threads, ...this.#retiring];
    this.#options.worked(
      sumOf([...threads.flatMap(({ work }) => work ?? []), ...(this.#past ? [this.#past] : [])]),
    );
  }

  #tellTrouble(): void {
    const [trouble] = this.#troubles.values();
    this.#options.report.troubled(trouble);
  }

  async #load(thread: WorkerThread): Promise<void> {
    const loading = thread.load(this.#options.generation);
    // Behind the message that makes the instance there: it may be told nothing before.
    void thread.imported.then(() => {
      if (this.#isPaused) thread.tell("pause");
      if (this.#isQuiet) thread.tell("quiet");
    }, ignore);
    await loading;
  }

  #open(): void {
    const { intake, service, generation, log, mark, report } = this.#options;
    const scope: Scope = {
      service: service.name,
      generation,
      log,
      beacon: mark,
      failed: (error) => report.failed(error),
    };
    this.#lease = intake?.open({ scope, fetch: (request, env) => this.#fetch(request, env) });
  }

  #fetch(request: Request, env: IntakeEnv): Promise<Response> {
    const thread = this.#ready.next();
    if (!thread) return Promise.reject(new Error("No thread of the service is left"));
    return thread.link.call(request, addressText(env), env);
  }

  async #replace(instance: number): Promise<void> {
    const { pool, report } = this.#options;
    const thread = pool.create(this.#service, instance);
    thread.owner = this;
    this.#threads.push(thread);
    if (this.#mayClaim) thread.claim(this.#gone.splice(0));
    try {
      await this.#load(thread);
      await thread.start();
      if (this.#isEnding) return;
      this.#serves(thread);
    } catch (error) {
      if (!this.#isEnding) report.failed(error);
    }
  }

  /** Lets a thread that takes no new requests end what it has. */
  async #retire(thread: WorkerThread): Promise<void> {
    const { clock } = this.#options;
    this.#retiring.add(thread);
    thread.owner = undefined;
    const cancel = clock.after(retireMs, () => void thread.terminate());
    const stopping = thread.stop(retireMs, false).catch((error) => {
      this.#options.log.warn("a thread that was replaced did not stop well", { error });
    });
    while (thread.link.busy > 0 && !thread.isGone)
      await new Promise<void>((resolve) => clock.after(20, resolve));
    thread.drained();
    await stopping;
    cancel();
    await thread.terminate();
    this.#retiring.delete(thread);
    this.#bury([thread]);
  }

  #serves(thread: WorkerThread): void {
    this.#ready.add(thread);
    this.#guard.watch(thread);
  }

  #remove(thread: WorkerThread): void {
    this.#threads = this.#threads.filter((each) => each !== thread);
    this.#ready.remove(thread);
    this.#guard.forget(thread);
    if (this.#troubles.delete(thread)) this.#tellTrouble();
  }

  #end(): void {
    this.#isEnding = true;
    this.#guard.close();
  }

  async #terminate(): Promise<void> {
    const threads = [...this.#threads, ...this.#retiring];
    const ends = threads.map((thread) => thread.terminate());
    this.#bury(threads);
    await Promise.all(ends);
  }

  /** They do nothing any more; what they have done counts, and what they had is for others. */
  #bury(threads: readonly WorkerThread[]): void {
    if (this.#options.floor) this.#gone.push(...threads.map(({ leaseOwner }) => leaseOwner));
    const done = threads.flatMap(({ work }) => (work ? [atRest(work)] : []));
    if (done.length === 0) return;
    for (const thread of threads) thread.work = undefined;
    this.#past = sumOf(this.#past ? [...done, this.#past] : done);
    this.worked();
  }
}

function ignore(): void {}

/** One error as it is; several with all of their messages. */
function together(failures: readonly unknown[]): unknown {
  const [first] = failures;
  if (failures.length === 1) return first;
  return new AggregateError(failures, failures.map(messageOf).join("; "));
}
