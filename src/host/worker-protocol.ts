import type { Gone } from "../core/floor.ts";
import type { LogLevel } from "../core/log.ts";
import type { BrokerPlan, ServicePlan } from "../core/plan.ts";
import type { Problem } from "../core/problem.ts";
import type { ServiceWork } from "../core/service-work.ts";
import type { ScheduleRun } from "../core/task.ts";
import type { Health } from "../service/contract.ts";

/*
 * What main and the thread of an isolated service say to each other, in lists of messages. These are flat arrays of
 * text and numbers: Bun copies those three times as fast as objects, and there are two for every request.
 */

/** What a thread knows from the beginning: the `workerData` of its entry. */
export interface WorkerData {
  readonly service: ServicePlan;
  /** From 1. */
  readonly instance: number;
  /** Begins the name of each owner of leases in this thread. */
  readonly owner: string;
  /** Names that `ctx.service` knows. */
  readonly names: readonly string[];
  /** Values that must not appear in what crosses. */
  readonly secrets: readonly string[];
  /** Levels whose records need not cross. */
  readonly silent: readonly LogLevel[];
  readonly vitals: Vitals;
  /** In the order of services.yaml. */
  readonly brokers: readonly BrokerPlan[];
}

/** Memory that a thread writes and main reads, so that a thread can be judged while it is frozen. */
export type Vitals = Int32Array<SharedArrayBuffer>;

export const vitalCells = {
  /** Grows while the loop of the thread turns; 0 until it does. */
  beat: 0,
  /** One bit per open hook, in the order of `hookNames`. */
  hooks: 1,
  /** The heap in use, in KiB; written only when there is a limit. */
  heap: 2,
  /** Messages and scheduled runs that have begun and not ended. */
  messages: 3,
  runs: 4,
} as const;

export const hookNames = ["init", "start", "run", "stop"] as const;

/** How often a thread writes its vital signs, in milliseconds. */
export const vitalsMs = 100;

/** An error that crosses: enough to print it, to judge it, and to make one like it on the other side. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly cause?: WireError;
  /** Of an AggregateError. */
  readonly errors?: readonly WireError[];
  /** Of a ProblemsError. `position.line` is the index of the path in `paths` that main has to look up. */
  readonly problems?: readonly Problem[];
  readonly paths?: readonly (readonly (string | number)[])[];
}

/** What a thread can do once its start is done. */
export interface Abilities {
  readonly probes: boolean;
  readonly fetches: boolean;
}

export type ToWorker =
  /** These six are answered by `done` or `failed` with the same id. */
  | readonly [tag: "load", id: number, generation: number]
  | readonly [tag: "start", id: number]
  | readonly [tag: "health", id: number]
  | readonly [tag: "reload", id: number, config: unknown]
  | readonly [tag: "stop", id: number, budget: number, final: boolean]
  | readonly [tag: "runNow", id: number]
  /** Everything that had come from outside has ended: the service's own `stop` may begin. */
  | readonly [tag: "drained"]
  /** What the thread takes by itself, from queues and by its schedule. */
  | readonly [tag: "pause" | "resume" | "quiet"]
  /** Nobody of an earlier generation has messages in its hands; those who are `gone` have left some in the brokers. */
  | readonly [tag: "claim", gone: Gone]
  /** The services that `ctx.service` knows from now on, and the brokers of `ctx.queue`. */
  | readonly [tag: "names", names: readonly string[], brokers: readonly BrokerPlan[]]
  | FetchMessage;

export type FromWorker =
  /** The module is there and its config fits. */
  | readonly [tag: "imported"]
  | readonly [tag: "notImported", error: WireError]
  | readonly [tag: "done", id: number, value: Abilities | Health | ScheduleRun | boolean | null]
  | readonly [tag: "failed", id: number, error: WireError]
  /** An error that nobody caught, or a `run` that failed. */
  | readonly [tag: "fault", error: WireError]
  | readonly [tag: "completed"]
  /** Why work cannot come; null: it can again. */
  | readonly [tag: "trouble", reason: string | null]
  /** What its consumer and its schedule have done, when it is other than before, each second at most. */
  | readonly [tag: "worked", work: ServiceWork]
  /** `fields` is JSON; `errors` are those among them, which keep what they are. */
  | readonly [
      tag: "log",
      time: number,
      level: LogLevel,
      message: string,
      fields: string | null,
      errors: Readonly<Record<string, WireError>> | null,
    ]
  | FetchMessage;

/** `true`: it follows in chunks. Text has one character per byte: that crosses faster than bytes do. */
export type WireBody = null | true | string | Uint8Array<ArrayBuffer>;

/**
 * Requests in both directions: from the listener to the service, and from `ctx.service(name).fetch` to main. The
 * id is chosen by the caller, even on main and odd in the thread, so that each side knows whose it is.
 */
export type FetchMessage =
  /**
   * `about`: for a service the client's port and address, "" where there is none, null for a call within the process;
   * for main the name of the service that is called.
   */
  | readonly [
      tag: "request",
      id: number,
      method: string,
      url: string,
      headers: string,
      about: string | null,
      body: WireBody,
    ]
  /** `requestId` is there when the service has read it. */
  | readonly [
      tag: "response",
      id: number,
      status: number,
      statusText: string,
      headers: string,
      requestId: string | null,
      body: WireBody,
    ]
  | readonly [tag: "error", id: number, requestId: string | null, error: WireError]
  /** Nobody waits for the answer any more; `name` and `message` are those of the reason. */
  | readonly [tag: "abort", id: number, name: string, message: string]
  | BodyMessage
  | SocketMessage;

export type BodyMessage =
  /** To the side that sends a body: this many bytes more. */
  | readonly [tag: "credit", id: number, bytes: number]
  /** To the side that sends: nobody reads it any more. */
  | readonly [tag: "cancel", id: number]
  | readonly [tag: "chunk", id: number, data: string | Uint8Array<ArrayBuffer>]
  | readonly [tag: "end", id: number]
  | readonly [tag: "broken", id: number, error: WireError];

export type SocketMessage =
  /** To main: the request becomes a WebSocket. */
  | readonly [tag: "upgrade", id: number, protocol: string]
  | readonly [tag: "opened", id: number]
  /** Text or bytes, as the message was. */
  | readonly [tag: "message", id: number, data: string | Uint8Array<ArrayBuffer>]
  /** To the thread: what main's socket has taken since, and what waits in it now. */
  | readonly [tag: "buffered", id: number, taken: number, waiting: number]
  /** To main: close it. To the thread: it is closed. */
  | readonly [tag: "close", id: number, code: number, reason: string];
