import type { Logger } from "../core/log.ts";

/** What the log knows of the events so far. */
export interface EventLog {
  readonly log: Logger;
  /** Where each service can be reached; the supervisor itself is "". */
  readonly urls: Map<string, string[]>;
  /** Wall time at which each service began to start. */
  readonly startedAt: Map<string, number>;
  /** Services that take no work because an operator said so. */
  readonly paused: Set<string>;
  /** Failures that the next transition of their service tells about. */
  readonly errors: Map<string, unknown>;
  services: number;
  ready: number;
  lastProgress: number;
  phase: "starting" | "running" | "stopping";
  /** Whether debug records are kept: with many services most of them are, and making them for nothing costs. */
  readonly verbose: boolean;
}
