import type { Ended, Held } from "../core/report.ts";
import type { Context, RequestEnv, Service } from "./contract.ts";
import type { Scope } from "./scope.ts";

/** What an intake hands work to: one generation of a service. */
export interface IntakeTarget {
  readonly scope: Scope;
  readonly fetch?: (request: Request, env: IntakeEnv) => Response | Promise<Response>;
  /** Bun's convention for WebSockets (`hono/bun` exports one); only that runtime looks at it. */
  readonly websocket?: unknown;
  /** The service itself, and what it was given; absent where it lives in another thread. */
  readonly life?: ServiceLife;
}

export interface ServiceLife {
  readonly service: Service;
  readonly ctx: Context;
  /** Runs `work` as code of the service: errors, console and blocked time are its own. */
  enter<T>(work: () => T): T;
}

/** What comes with a request; a host that passes it on to another thread says here what that one has made of it. */
export interface IntakeEnv extends RequestEnv {
  requestId: string;
  /** False for a call within the process: it has no address and cannot become a WebSocket. */
  readonly isNetwork: boolean;
  /** Calls `gone` when the client goes away before its answer has been sent. Never for a call within the process. */
  whenGone(gone: () => void): void;
  /** The peer; undefined where `clientAddress` is. */
  readonly remoteAddr: { readonly hostname: string; readonly port: number } | undefined;
}

export type IntakeHeld = Omit<Held, "hooks">;

/**
 * How work from outside reaches one service, across its generations: an HTTP route, a subscription, a timer. The host opens
 * it when a generation is ready and drains that generation's lease before its `stop`.
 */
export interface Intake {
  /** What the service lacks to be reached this way, as in "has consume: but no consume()"; undefined: nothing. */
  lacks?(service: Service): string | undefined;
  /**
   * Resolves when work can come: a broker answers, or does not for so long that the service counts as started without
   * it. Called before the first `open`; rejects when trying again is useless.
   */
  join?(): Promise<void>;
  /** Whether the service has an address of its own, so that one without `fetch` is a mistake. */
  readonly needsFetch: boolean;
  /** From now on work goes to `target`; what an earlier target has in its hands stays there. */
  open(target: IntakeTarget): Lease;
  /** The group begins to stop: takes nothing new where that harms no client. HTTP still answers. */
  quiet(): void;
  /** Work is refused until `resume`, whoever opens meanwhile; what has begun goes on. */
  pause(): void;
  resume(): void;
  /** The service does not come back: what it listens on may go. */
  close(): void;
}

/** The time in which work goes to one target, from `open` to the end of `drain`. */
export interface Lease {
  /**
   * Takes no new work and resolves when all work in flight has ended; never rejects. Where an earlier lease is
   * still open, work goes back to that one.
   * `final`: closes the intake as well.
   */
  drain(options: { readonly final: boolean }): Promise<void>;
  /** Ends whatever is still in flight, at once. */
  cut(): void;
  held(): IntakeHeld;
  /** Streams and WebSockets that had to be cut during the drain, for the stop report. */
  readonly cutStreams: number;
  /** Streams and WebSockets that the drain has told to end, cut ones included; absent where there are none such. */
  readonly ended?: Ended;
}
