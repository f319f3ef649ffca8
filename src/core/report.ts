import type { ErrorCode } from "./errors.ts";

/** Why the group stops. */
export type StopCause =
  | { readonly tag: "signal"; readonly signal: string }
  | { readonly tag: "request" }
  /** Nothing is left to do. `failed`: who was given up before that; absent: nobody. */
  | { readonly tag: "completed"; readonly failed?: readonly string[] }
  /**
   * A critical service is given up, or the last one of a group in which none has completed; without `service`: nobody caught an error, and nobody can be blamed for it. With
   * `code` services.yaml or a broker is wrong, and a restart would not help.
   */
  | {
      readonly tag: "failure";
      readonly service?: string;
      readonly message: string;
      readonly code?: ErrorCode;
    }
  /** The operator's plane cannot run: nobody could look after the services. */
  | { readonly tag: "operator"; readonly message: string };

/** What a service still had in its hands. */
export interface Held {
  /** HTTP requests without a finished response. */
  readonly requests: number;
  /** Open server-sent event streams. */
  readonly streams: number;
  readonly websockets: number;
  /** Messages whose handlers have not returned. */
  readonly messages?: number;
  /** Runs of its schedule that have not ended. */
  readonly runs?: number;
  /** Hooks of the service that were called and have not returned: `start`, `run`, `stop`, `defer`. */
  readonly hooks: readonly string[];
}

/** What does not end by itself, and was told to end when its service drained. */
export type Ended = Pick<Held, "streams" | "websockets">;

export const nothingHeld: Held = { requests: 0, streams: 0, websockets: 0, hooks: [] };

/** @example describeHeld({ requests: 2, streams: 0, websockets: 1, hooks: ["stop"] }) // "2 requests, 1 websocket, stop()" */
export function describeHeld(held: Held): string {
  const count = (n: number, word: string) => (n === 0 ? [] : [`${n} ${word}${n === 1 ? "" : "s"}`]);
  return [
    ...count(held.requests, "request"),
    ...count(held.streams, "stream"),
    ...count(held.websockets, "websocket"),
    ...count(held.messages ?? 0, "message"),
    ...count(held.runs ?? 0, "scheduled run"),
    ...held.hooks.map((hook) => `${hook}()`),
  ].join(", ");
}

/** @example describeEnded({ streams: 1, websockets: 2 }) // "1 stream, 2 websockets" */
export function describeEnded(ended: Ended): string {
  return describeHeld({ ...nothingHeld, ...ended });
}

/** A generation that was abandoned before the stop began, so that the next one could start, and never ended. */
export interface LeftBehind {
  readonly generation: number;
  readonly held: Held;
}

/** How one service ended. All times are milliseconds since the stop began. */
export interface ServiceStop {
  readonly service: string;
  readonly generation: number;
  /**
   * `stopped`: in time. `failed`: in time, but a hook threw. `abandoned`: its deadline passed.
   * `unstarted`: there was nothing to stop. `completed` / `gone`: it had ended before, well or badly.
   */
  readonly outcome: "stopped" | "failed" | "abandoned" | "unstarted" | "completed" | "gone";
  readonly startedMs: number;
  readonly durationMs: number;
  readonly deadlineMs: number;
  readonly error?: string;
  /** What it still held: when cut off, or streams that had to be cut. */
  readonly held?: Held;
  /** Streams and WebSockets that were open when its turn came, those in `held` included; absent: none. */
  readonly ended?: Ended;
  /** Earlier generations that were still not gone when the turn of the service was over. */
  readonly leftBehind?: readonly LeftBehind[];
}

export interface StopReport {
  readonly cause: StopCause;
  /**
   * `clean`: nothing was cut off. `forced`: at least one service was abandoned, never had its turn, or left an
   * earlier generation behind.
   */
  readonly outcome: "clean" | "forced";
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly budgetMs: number;
  /** In the order of the teardown. */
  readonly services: readonly ServiceStop[];
}
