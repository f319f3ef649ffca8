import type { Message, Middleware, Queue, TaskRequest, Tick } from "./message.ts";

/**
 * What the supervisor asks of a service. Every member is optional; one of `start`, `run`, `fetch` is
 * needed. Matching is structural: no base class, no instanceof, so a module needs nothing installed.
 *
 * The order of a life: `init` (before ANY service starts) → `start` → `run`, `fetch` → `stop`.
 * `stop` is called once for every generation whose `start` or `run` was called, also when that one failed.
 */
export interface Service<Config = unknown> {
  /** Runs before any service of the group starts. */
  init?(ctx: Context<Config>): void | Promise<void>;
  /** Resolves when the service is ready. One that blocks by design calls `ctx.ready()` first. */
  start?(ctx: Context<Config>): void | Promise<void>;
  /** Works until done, or until `ctx.signal` aborts. Resolving means: completed. */
  run?(ctx: Context<Config>): Promise<void>;
  /** Takes no new work, finishes what is in flight, releases what it holds; all before `ctx.deadline`. */
  stop?(ctx: Context<Config>): void | Promise<void>;
  /** Throwing, or `{ status: "fail" }`, makes the service not ready; too often in a row and it is restarted. */
  health?(ctx: Context<Config>): void | Health | Promise<void | Health>;
  /**
   * Takes another `config:` block without a restart; `ctx.config` is still the old one, and the new one afterwards.
   * A service without it, or whose `reload` throws, is replaced by a new generation.
   */
  reload?(config: Config, ctx: Context<Config>): void | Promise<void>;
  /** Answers HTTP requests; a Hono app has this. The supervisor owns the listener. */
  fetch?(request: Request, env: RequestEnv): Response | Promise<Response>;
  /** Handles every message of its `consume:` that no entry of `tasks` takes. */
  consume?(message: Message, ctx: Context<Config>): unknown;
  /** Handlers by task type; a key ending in `*` or `:` takes every type that begins with it, the longest one wins. */
  readonly tasks?: Readonly<Record<string, Handler>>;
  /** With `consume.batch`: handles many at once. What it does not settle by itself shares the fate of the call. */
  consumeBatch?(messages: readonly Message[], ctx: Context<Config>): unknown;
  /** Makes one task of all tasks of a group. */
  aggregate?(
    group: string,
    messages: readonly Message[],
    ctx: Context<Config>,
  ): TaskRequest | Promise<TaskRequest>;
  /** Wraps every handler, the first one outermost. */
  readonly middleware?: readonly Middleware[];
  /** Runs at each time of its `schedule:`. */
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
  /** The `config:` block of services.yaml, after the module's own `config` schema. `reload` makes it a new one. */
  readonly config: Config;
  /** The process environment with the service's `env:` block over it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the stop of this service begins. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 at which the service is cut off; Infinity until its stop begins. */
  readonly deadline: number;
  readonly log: Logger;
  /** Says that the service is ready, for a `start` that blocks. Calling it again does nothing. */
  ready(): void;
  /** Registers a cleanup; they run after `stop`, last registered first, each of them even when one throws. */
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

/** The second argument of `fetch`; in Hono it is `c.env`. */
export interface RequestEnv {
  /** The address of the peer; undefined on unix sockets and calls within the process. */
  readonly clientAddress: string | undefined;
  /** The caller's `x-request-id`, or a new one. The response carries it once the service has read it. */
  readonly requestId: string;
  /**
   * Turns the request into a WebSocket. Return `response` from `fetch`.
   * When the service drains, the supervisor closes the socket with code 1001.
   */
  upgradeWebSocket(request: Request, options?: { protocol?: string }): WebSocketUpgrade;
}

export interface WebSocketUpgrade {
  /** A standard WebSocket: `onopen`, `onmessage`, `onclose`, `onerror`, `send`, `close`. */
  readonly socket: WebSocket;
  readonly response: Response;
}

/**
 * Errors among the fields keep their stack, cause and code; all of it stays one record. An error in place of the message
 * or of the fields is told, too, as the field `error`.
 */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** An alarm: somebody has to look now. */
  fatal(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
