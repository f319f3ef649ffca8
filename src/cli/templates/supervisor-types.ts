// Made from src/service/contract.ts by `npm run docs`.

/** The file supervisor.d.ts of a new project. */
export const supervisorTypes = `/** What service modules import; the supervisor brings it, nothing has to be installed. */
declare module "supervisor" {
  /** A duration as people write it (\`"30s"\`), or milliseconds. */
  export type Duration = string | number;
  /** A message of a queue, while this attempt to handle it goes on. */
  export interface Message<Data = unknown> {
    readonly id: string;
    readonly queue: string;
    readonly type: string;
    /** The payload, parsed as JSON when it is first asked for. Throws a PermanentError when it is none. */
    readonly data: Data;
    /** The payload as it came. */
    readonly bytes: Uint8Array;
    readonly text: string;
    readonly headers: Readonly<Record<string, string>>;
    /** What orders it: messages with the same key are handled one after the other. */
    readonly key: string | undefined;
    /** 1 for the first attempt. */
    readonly attempt: number;
    /** How often it is tried again after a failed attempt; when that fails too, it is archived. */
    readonly maxRetry: number;
    readonly enqueuedAt: Date;
    /**
     * Aborts when the attempt shall end: its timeout, its deadline, \`task cancel\`, or the stop of the service once its
     * time is over. Its \`reason\` says which. What the handler does afterwards no longer settles the message.
     */
    readonly signal: AbortSignal;
    /** Tells operators how far it is; any JSON. */
    progress(value: unknown): void;
    /** Done, although the handler may throw later. In batches: this one is done. The last of these three calls counts. */
    ack(result?: unknown): void;
    /** Not done: again after \`delay\` (default: the backoff). It counts as a failed attempt unless \`counts\` is false. */
    retry(options?: {
      delay?: Duration;
      error?: unknown;
      counts?: boolean;
    }): void;
    /** Never again: to the archive. */
    dead(reason: unknown): void;
  }
  /** Wraps every handler of a service, the first of the list outermost. */
  export type Middleware = (message: Message, next: () => Promise<unknown>) => unknown;
  /** Where tasks are put: one broker of services.yaml. */
  export interface Queue {
    /**
     * Resolves when the broker has it for good.
     *
     * @throws SupervisorError TASK_DUPLICATE (\`unique\`), TASK_CONFLICT (\`id\`), TASK_INVALID, BROKER_UNREACHABLE
     */
    enqueue(type: string, payload?: unknown, options?: EnqueueOptions): Promise<EnqueuedTask>;
    /** All in one round trip. Each has its own outcome: a duplicate does not harm the others. */
    enqueueAll(tasks: readonly TaskRequest[]): Promise<readonly EnqueueOutcome[]>;
    /**
     * The steps run one after the other; each gets \`{ input, previous }\` where \`previous\` is the result of the step
     * before. A step that fails for good ends the chain there. Resolves when the first step is enqueued.
     */
    chain(steps: readonly TaskRequest[]): Promise<EnqueuedTask>;
    /** A task as it stands now; undefined when the broker knows none of that id. */
    find(id: string, options?: {
      queue?: string;
    }): Promise<FoundTask | undefined>;
    /** Asks whoever works on it to stop; one that waits is deleted. False: none of that id works or waits. */
    cancel(id: string, options?: {
      queue?: string;
    }): Promise<boolean>;
  }
  export interface TaskRequest extends EnqueueOptions {
    readonly type: string;
    /** Any JSON; a Uint8Array is taken as it is. */
    readonly payload?: unknown;
  }
  export interface EnqueueOptions {
    /** @default "default" */
    readonly queue?: string;
    /** Not before this long from now. */
    readonly delay?: Duration;
    /** Not before this time. */
    readonly at?: Date | number;
    /** Orders it: tasks with the same key are handled one after the other. */
    readonly key?: string;
    /** @default a new one, which sorts by time */
    readonly id?: string;
    /** No second task with the same type, payload and queue for this long, or until this one is done. */
    readonly unique?: Duration;
    /** @default 25 */
    readonly maxRetry?: number;
    /** Of one attempt. @default that of the consumer */
    readonly timeout?: Duration;
    /** After it no attempt begins or goes on. */
    readonly deadline?: Date | number;
    /** How long it is kept, with its result, once it is done. @default 0, not at all */
    readonly retention?: Duration;
    /** It waits in this group until the service's \`aggregate\` makes one task of all of them. */
    readonly group?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }
  export interface EnqueuedTask {
    readonly id: string;
    readonly queue: string;
    readonly state: "pending" | "scheduled" | "aggregating";
  }
  export type EnqueueOutcome = ({
    readonly ok: true;
  } & EnqueuedTask) | {
    readonly ok: false;
    readonly id: string;
    readonly code: "TASK_DUPLICATE" | "TASK_CONFLICT";
  };
  export interface FoundTask {
    readonly id: string;
    readonly queue: string;
    readonly type: string;
    readonly state: "pending" | "active" | "scheduled" | "retry" | "archived" | "completed" | "aggregating";
    readonly retried: number;
    readonly lastError?: string;
    /** Parsed, when it is JSON. */
    readonly result?: unknown;
    readonly progress?: unknown;
  }
  /** One planned time of a schedule. */
  export interface Tick {
    /** When it was planned for. */
    readonly at: Date;
    /** \`catch-up\`: its time passed while nothing ran. \`manual\`: an operator wants it now. */
    readonly cause: "clock" | "catch-up" | "manual";
    /** Aborts when the run shall end: the stop of the service, once its time is over. */
    readonly signal: AbortSignal;
  }
  /**
   * What the supervisor asks of a service. Every member is optional; one of \`start\`, \`run\`, \`fetch\` is
   * needed. Matching is structural: no base class, no instanceof, so a module needs nothing installed.
   *
   * The order of a life: \`init\` (before ANY service starts) → \`start\` → \`run\`, \`fetch\` → \`stop\`.
   * \`stop\` is called once for every generation whose \`start\` or \`run\` was called, also when that one failed.
   */
  export interface Service<Config = unknown> {
    /** Runs before any service of the group starts. */
    init?(ctx: Context<Config>): void | Promise<void>;
    /** Resolves when the service is ready. One that blocks by design calls \`ctx.ready()\` first. */
    start?(ctx: Context<Config>): void | Promise<void>;
    /** Works until done, or until \`ctx.signal\` aborts. Resolving means: completed. */
    run?(ctx: Context<Config>): Promise<void>;
    /** Takes no new work, finishes what is in flight, releases what it holds; all before \`ctx.deadline\`. */
    stop?(ctx: Context<Config>): void | Promise<void>;
    /** Throwing, or \`{ status: "fail" }\`, makes the service not ready; too often in a row and it is restarted. */
    health?(ctx: Context<Config>): void | Health | Promise<void | Health>;
    /**
     * Takes another \`config:\` block without a restart; \`ctx.config\` is still the old one, and the new one afterwards.
     * A service without it, or whose \`reload\` throws, is replaced by a new generation.
     */
    reload?(config: Config, ctx: Context<Config>): void | Promise<void>;
    /** Answers HTTP requests; a Hono app has this. The supervisor owns the listener. */
    fetch?(request: Request, env: RequestEnv): Response | Promise<Response>;
    /** Handles every message of its \`consume:\` that no entry of \`tasks\` takes. */
    consume?(message: Message, ctx: Context<Config>): unknown;
    /** Handlers by task type; a key ending in \`*\` or \`:\` takes every type that begins with it, the longest one wins. */
    readonly tasks?: Readonly<Record<string, Handler>>;
    /** With \`consume.batch\`: handles many at once. What it does not settle by itself shares the fate of the call. */
    consumeBatch?(messages: readonly Message[], ctx: Context<Config>): unknown;
    /** Makes one task of all tasks of a group. */
    aggregate?(group: string, messages: readonly Message[], ctx: Context<Config>): TaskRequest | Promise<TaskRequest>;
    /** Wraps every handler, the first one outermost. */
    readonly middleware?: readonly Middleware[];
    /** Runs at each time of its \`schedule:\`. */
    scheduled?(tick: Tick, ctx: Context<Config>): void | Promise<void>;
  }
  /**
   * Handles one message. Returning settles it as done, and what is returned (any JSON but undefined) is its result;
   * throwing means another attempt after the backoff, a PermanentError none.
   */
  export type Handler<Data = unknown> = (message: Message<Data>, ctx: Context) => unknown;
  export interface Health {
    readonly status: "pass" | "warn" | "fail";
    /** Shown to operators. */
    readonly output?: string;
  }
  /** What a service is given: one per generation. */
  export interface Context<Config = unknown> {
    readonly name: string;
    /** 1 for the first life of the service; every restart makes a new one. */
    readonly generation: number;
    /** The \`config:\` block of services.yaml, after the module's own \`config\` schema. \`reload\` makes it a new one. */
    readonly config: Config;
    /** The process environment with the service's \`env:\` block over it. */
    readonly env: Readonly<Record<string, string | undefined>>;
    /** Aborts when the stop of this service begins. */
    readonly signal: AbortSignal;
    /** Milliseconds since 1970 at which the service is cut off; Infinity until its stop begins. */
    readonly deadline: number;
    readonly log: Logger;
    /** Says that the service is ready, for a \`start\` that blocks. Calling it again does nothing. */
    ready(): void;
    /** Registers a cleanup; they run after \`stop\`, last registered first, each of them even when one throws. */
    defer(cleanup: () => void | Promise<void>): void;
    /**
     * Another service of the same group, called in the process without a network.
     * Throws an error that names the known services when there is none with that name.
     */
    service(name: string): ServiceHandle;
    /**
     * A broker of services.yaml, to enqueue tasks; without a name the first one.
     * Throws an error with the code UNKNOWN_BROKER, which names the known ones, when there is none with that name.
     */
    queue(broker?: string): Queue;
  }
  export interface ServiceHandle {
    /** Answers 503 with Retry-After while that service is not ready. */
    fetch(request: Request | string, init?: RequestInit): Promise<Response>;
  }
  /** The second argument of \`fetch\`; in Hono it is \`c.env\`. */
  export interface RequestEnv {
    /** The address of the peer; undefined on unix sockets and calls within the process. */
    readonly clientAddress: string | undefined;
    /** The caller's \`x-request-id\`, or a new one. The response carries it once the service has read it. */
    readonly requestId: string;
    /**
     * Turns the request into a WebSocket. Return \`response\` from \`fetch\`.
     * When the service drains, the supervisor closes the socket with code 1001.
     */
    upgradeWebSocket(request: Request, options?: {
      protocol?: string;
    }): WebSocketUpgrade;
  }
  export interface WebSocketUpgrade {
    /** A standard WebSocket: \`onopen\`, \`onmessage\`, \`onclose\`, \`onerror\`, \`send\`, \`close\`. */
    readonly socket: WebSocket;
    readonly response: Response;
  }
  /**
   * Errors among the fields keep their stack, cause and code; all of it stays one record. An error in place of the message
   * or of the fields is told, too, as the field \`error\`.
   */
  export interface Logger {
    debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
    info(message: string, fields?: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
    error(message: string, fields?: Readonly<Record<string, unknown>>): void;
    /** An alarm: somebody has to look now. */
    fatal(message: string, fields?: Readonly<Record<string, unknown>>): void;
  }
  /** Returns \`service\` as it is; editors then know the hooks and the type of \`ctx.config\`. */
  export function defineService<Config = unknown>(service: Service<Config>): Service<Config>;
  /**
   * Makes a service of one function that works until it is done: go-zero's \`WithStart\`. It counts as ready as
   * soon as it was called, and should end when \`ctx.signal\` aborts. A service that needs to say when it is
   * ready has a \`start\` of its own.
   */
  export function withStart(start: (ctx: Context) => void | Promise<void>): Service;
  /** The same for an object whose \`start\` blocks until it is done: go-zero's \`WithStarter\`. */
  export function withStarter(starter: {
    start(ctx: Context): void | Promise<void>;
  }): Service;
  /**
   * Thrown by a service to say that trying again is useless: the restart policy is skipped.
   * Recognised by its name, so a copy of this class from another package counts too.
   */
  export class PermanentError extends Error {
    readonly name = "PermanentError";
  }
}
`;
