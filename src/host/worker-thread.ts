import type { URL as NodeUrl } from "node:url";
import { Worker } from "node:worker_threads";
import { SupervisorError } from "../core/errors.ts";
import type { Gone } from "../core/floor.ts";
import type { LogSink } from "../core/log.ts";
import type { BrokerPlan } from "../core/plan.ts";
import type { Locate } from "../core/problem.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Health } from "../service/contract.ts";
import type { FetchLink, FetchLinkOptions } from "./fetch-link.ts";
import { createFetchLink } from "./fetch-link.ts";
import { writeLog } from "./log-crossing.ts";
import { createOutbox } from "./outbox.ts";
import { fromWire } from "./wire-error.ts";
import type { Abilities, FromWorker, ToWorker, Vitals, WorkerData } from "./worker-protocol.ts";

export interface ThreadOptions {
  /** `new URL("./worker.ts", import.meta.url)` of the folder that holds it, as compilers want to read it. */
  readonly entry: URL;
  readonly data: WorkerData;
  readonly locate: Locate;
  readonly sink: LogSink;
  /** Answers `ctx.service(name).fetch` of the thread. */
  readonly serve: FetchLinkOptions["serve"];
  /** Told once, when nothing can be asked of it any more. */
  readonly ended: () => void;
}

/** Who is told what becomes of a thread; nobody while it waits for its generation. */
export interface ThreadOwner {
  /** An error nobody caught. `isGone`: the thread has ended. */
  fault(thread: WorkerThread, error: Error, isGone: boolean): void;
  completed(thread: WorkerThread): void;
  /** Why work cannot come to it; undefined: it can. */
  troubled(thread: WorkerThread, reason: string | undefined): void;
  /** The consumer or the schedule of a thread has done something. */
  worked(): void;
}

interface Ask {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Main's side of one thread of an isolated service. */
export class WorkerThread {
  readonly instance: number;
  /** Begins the names of all that hold leases there. */
  readonly leaseOwner: string;
  readonly link: FetchLink;
  readonly vitals: Vitals;
  /** The module is loaded and its config fits. Rejects with a ProblemsError when not, or when the thread ends. */
  readonly imported: Promise<void>;
  owner: ThreadOwner | undefined;
  /** What its consumer and its schedule have done, as it said last. */
  work: ServiceWork | undefined;
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #outbox: (message: ToWorker) => void;
  readonly #asks = new Map<number, Ask>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #imported = Promise.withResolvers<void>();
  #isImported = false;
  #generation: number | undefined;
  #nextAsk = 0;
  /** Why it ends, once that is decided. */
  #end: Error | undefined;

  constructor(options: ThreadOptions) {
    const { data, entry, serve } = options;
    const { name, worker } = data.service;
    this.#options = options;
    this.instance = data.instance;
    this.leaseOwner = data.owner;
    this.vitals = data.vitals;
    this.link = createFetchLink({ parity: 0, post: (message) => this.#post(message), serve });
    this.imported = this.#imported.promise;
    this.#imported.promise.catch(ignore);
    // To the types of one runtime, the global URL and the one of node:url are two.
    this.#worker = new Worker(entry as NodeUrl, {
      name,
      workerData: data,
      ...(worker?.memory === undefined ? {} : { resourceLimits: hardLimit(worker.memory) }),
    });
    this.#outbox = createOutbox((messages) => this.#worker.postMessage(messages));
    this.#worker.on("message", (messages: readonly FromWorker[]) => {
      for (const message of messages) this.#take(message);
    });
    this.#worker.on("error", (error) => this.#over(this.#reasonOf(error)));
    this.#worker.on("exit", (code) => this.#over(this.#exited(code)));
  }

  get isGone(): boolean {
    return this.#end !== undefined;
  }

  /** Makes the instance and runs `init`. */
  async load(generation: number): Promise<void> {
    this.#generation = generation;
    await this.imported;
    await this.#ask((id) => ["load", id, generation]);
  }

  start(): Promise<Abilities> {
    return this.#ask((id) => ["start", id]) as Promise<Abilities>;
  }

  health(): Promise<Health> {
    return this.#ask((id) => ["health", id]) as Promise<Health>;
  }

  reload(config: unknown): Promise<boolean> {
    return this.#ask((id) => ["reload", id, config]) as Promise<boolean>;
  }

  /** Begins a run of its schedule; undefined when another instance keeps that. */
  async runNow(): Promise<ScheduleRun | undefined> {
    return ((await this.#ask((id) => ["runNow", id])) as ScheduleRun | null) ?? undefined;
  }

  /**
   * Resolves when the service's own stop has; rejects with what it threw. A thread that is gone, or has not loaded
   * the module yet, has nothing to stop.
   */
  async stop(budget: number, final: boolean): Promise<void> {
    if (!this.isGone && this.#isImported) await this.#ask((id) => ["stop", id, budget, final]);
  }

  /** These are the services and the brokers from now on. */
  adopt(names: readonly string[], brokers: readonly BrokerPlan[]): void {
    this.#post(["names", names, brokers]);
  }

  /** Everything that had come from outside has ended. */
  drained(): void {
    this.#post(["drained"]);
  }

  /** What it takes by itself, it may take now. */
  claim(gone: Gone): void {
    // Before that nobody listens there, and Deno drops what nobody hears.
    void this.imported.then(() => this.#post(["claim", gone]), ignore);
  }

  /** For what the thread takes by itself. */
  tell(verb: "pause" | "resume" | "quiet"): void {
    this.#post([verb]);
  }

  /** Ends the thread, whatever it is doing; resolves when it is gone. `why` is what open calls of main get. */
  async terminate(why = new Error("The thread was ended")): Promise<void> {
    this.owner = undefined;
    this.#over(why);
    await Promise.race([this.#worker.terminate(), this.#ended.promise]);
  }

  #post(message: ToWorker): void {
    if (!this.#end) this.#outbox(message);
  }

  #ask(message: (id: number) => ToWorker): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const id = this.#nextAsk++;
      this.#asks.set(id, { resolve, reject });
      this.#post(message(id));
    });
  }

  #take(message: FromWorker): void {
    const { locate, sink, data } = this.#options;
    switch (message[0]) {
      case "imported":
        this.#isImported = true;
        this.#imported.resolve();
        break;
      case "notImported":
        this.#imported.reject(fromWire(message[1], locate));
        break;
      case "done":
        this.#settle(message[1])?.resolve(message[2]);
        break;
      case "failed":
        this.#settle(message[1])?.reject(fromWire(message[2]));
        break;
      case "fault":
        this.owner?.fault(this, fromWire(message[1]), false);
        break;
      case "completed":
        this.owner?.completed(this);
        break;
      case "trouble":
        this.owner?.troubled(this, message[1] ?? undefined);
        break;
      case "worked":
        this.work = message[1];
        this.owner?.worked();
        break;
      case "log": {
        const { service, instance } = data;
        const fields = (service.worker?.instances ?? 1) > 1 ? { instance } : {};
        const generation = this.#generation === undefined ? {} : { generation: this.#generation };
        writeLog(message, { service: service.name, ...generation, fields }, sink);
        break;
      }
      default:
        if (!this.#end) this.link.take(message);
    }
  }

  #settle(id: number): Ask | undefined {
    const ask = this.#asks.get(id);
    this.#asks.delete(id);
    return ask;
  }

  #over(why: Error): void {
    if (this.#end) return;
    this.#end = why;
    this.#options.ended();
    this.#imported.reject(why);
    for (const ask of this.#asks.values()) ask.reject(why);
    this.#asks.clear();
    this.link.close(() => gone(this.#options.data.service.name));
    this.owner?.fault(this, why, true);
  }

  #reasonOf(error: unknown): Error {
    const { name, worker } = this.#options.data.service;
    const { code } = error as { code?: unknown };
    if (code === "ERR_WORKER_OUT_OF_MEMORY") return outOfMemory(name, worker?.memory);
    return error instanceof Error ? error : new Error(String(error));
  }

  #exited(code: number): Error {
    this.#ended.resolve();
    const { name } = this.#options.data.service;
    return new SupervisorError(
      "WORKER_EXITED",
      `The thread of service "${name}" has ended with exit code ${code}`,
      "Something called process.exit() there: a service fails by throwing, and ends by run() resolving.",
    );
  }
}

/**
 * The limit that Deno holds, and Bun does not know. It lies above ours: Deno only breaks off the code that asked for
 * more, and the thread goes on without it, so that what it uses has to show.
 */
function hardLimit(memory: number): { maxOldGenerationSizeMb: number } {
  return { maxOldGenerationSizeMb: Math.ceil((memory * 1.25) / 1_048_576) + 16 };
}

/** What the service used when it was ended, in bytes; undefined where only the runtime knows. */
export function outOfMemory(service: string, bytes: number | undefined): SupervisorError {
  const much = bytes === undefined ? "its memory limit" : `${Math.round(bytes / 1_048_576)} MiB`;
  return new SupervisorError(
    "WORKER_OUT_OF_MEMORY",
    `The thread of service "${service}" used more memory than it may: ${much}`,
    `Raise services.${service}.memory, or find what the service keeps.`,
  );
}

/** In the form of the supervisor's other answers. */
function gone(service: string): Response {
  return Response.json(
    { error: "stopped", service },
    { status: 503, headers: { "retry-after": "1", connection: "close" } },
  );
}

function ignore(): void {}
