import type { Beacon } from "../core/beacon.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { LogLevel } from "../core/log.ts";
import type { Address, AdminPlan } from "../core/plan.ts";
import type { StopCause } from "../core/report.ts";

/*
 * What main and the operator's plane say to each other. Everything here is structured-cloneable.
 */

/** What the operator's plane knows from the beginning. */
export interface OperatorData {
  readonly name: string;
  readonly admin: AdminPlan | false;
  readonly log: {
    readonly level: LogLevel;
    readonly format: "pretty" | "json";
    readonly color: boolean;
  };
  /** Values that never appear in a log line. */
  readonly secrets: readonly string[];
  /** In the order of services.yaml: index + 1 is the service's mark in the beacon. */
  readonly services: readonly { readonly name: string; readonly critical: boolean }[];
  readonly beacon: Beacon;
  /** The whole time a stop may take, in milliseconds. */
  readonly budgetMs: number;
  /** Where the stop report goes when main cannot write it. */
  readonly stopReportFile?: string;
  /** Whether SIGTERM and the like stop the group; when not, they are not looked at. @default true */
  readonly signals?: boolean;
}

export type ToOperator =
  /** The first message, sent once. */
  | { readonly type: "begin"; readonly data: OperatorData }
  /**
   * What changed since the last of these, at most the newest snapshot of each service: a `ServiceSnapshot[]`
   * as JSON. Bun copies a thousand of them as one string in 0.15 ms, as objects in 5.
   */
  | { readonly type: "changed"; readonly snapshots: string }
  | { readonly type: "stopping"; readonly cause: StopCause; readonly budgetMs: number }
  | { readonly type: "close" };

export type FromOperator =
  | { readonly type: "listening"; readonly address: Address | undefined }
  | {
      readonly type: "notListening";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string;
    }
  | { readonly type: "closed" };
