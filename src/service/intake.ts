import type { Held } from "../core/report.ts";
import type { RequestEnv } from "./contract.ts";
import type { Scope } from "./scope.ts";

/** What an intake hands work to: one generation of a service. */
export interface IntakeTarget {
  readonly scope: Scope;
  readonly fetch?: (request: Request, env: RequestEnv) => Response | Promise<Response>;
  /** Bun's convention for WebSockets (`hono/bun` exports one); only that runtime looks at it. */
  readonly websocket?: unknown;
}

export type IntakeHeld = Omit<Held, "hooks">;

/**
 * How work from outside reaches one service, across its generations: an HTTP route today. The host opens
 * it when a generation is ready and drains it before that generation's `stop`.
 */
export interface Intake {
  /** Whether the service has an address of its own, so that one without `fetch` is a mistake. */
  readonly needsFetch: boolean;
  /** From now on work goes to `target`. */
  open(target: IntakeTarget): void;
  /** The group begins to stop: takes nothing new where that harms no client. HTTP still answers. */
  quiet(): void;
  /**
   * Takes no new work and resolves when all work in flight has ended; never rejects.
   * `final`: the service does not come back, so what it listens on may go.
   */
  drain(options: { readonly final: boolean }): Promise<void>;
  /** Ends whatever is still in flight, at once. */
  cut(): void;
  held(): IntakeHeld;
  /** Streams and WebSockets that had to be cut during the last drain, for the stop report. */
  readonly cutStreams: number;
}
