import type { Beacon } from "../core/beacon.ts";
import type { Command, CommandError, CommandResult } from "../core/command.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Inherited } from "../core/inherited.ts";
import type { LogLevel } from "../core/log.ts";
import type { Address, AdminPlan } from "../core/plan.ts";
import type { ReloadResult } from "../core/reload-counts.ts";
import type { StopCause } from "../core/report.ts";
import type { InstanceFiles } from "./instance-files.ts";

/*
 * What main and the operator's plane say to each other. Everything here is structured-cloneable.
 */

/** What the operator's plane knows from the beginning. */
export interface OperatorData {
  readonly name: string;
  /** The services.yaml, for people who ask. */
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly admin: AdminPlan | false;
  /** Where the control socket goes; this process has claimed it. Absent: there is none. */
  readonly control?: InstanceFiles;
  readonly log: {
    readonly level: LogLevel;
    readonly format: "pretty" | "json" | "journal";
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
  /** Absent: SIGTERM and the like do not stop the group, and are not looked at. */
  readonly signalTurn?: SignalTurn;
  /** What systemd wants of this process; absent: nothing. */
  readonly inherited?: Inherited;
  /** `restart.limit` of each service, by its name, as it was at the start; absent where nobody asks for it. */
  readonly retries?: Readonly<Record<string, number>>;
}

/**
 * One number for all groups of the process, 1 while one of them watches the signals natively. Two handlers, each of which
 * takes the other for the process's own, would call each other without end; and one sees enough, for all groups
 * share the loop whose freezing it is for.
 */
export type SignalTurn = Int32Array<SharedArrayBuffer>;

/** What of it a reload may make another: everything else holds for the life of the process. */
export interface OperatorPlan extends Pick<OperatorData, "log" | "secrets" | "services" | "budgetMs"> {
  /** The services there are now; `services` also has those that were removed, for their marks. */
  readonly names: readonly string[];
  /** They no longer listen where they did. */
  readonly moved: readonly string[];
}

/** How the last reload of services.yaml went; times are milliseconds since 1970. */
export interface ReloadStatus {
  readonly at: number;
  readonly outcome: "done" | "failed";
  /** Why nothing was changed; absent when only single steps failed. */
  readonly problems?: readonly CommandError[];
}

export type ToOperator =
  /** The first message, sent once. */
  | { readonly type: "begin"; readonly data: OperatorData }
  /**
   * What changed since the last of these, at most the newest snapshot of each service: a `ServiceSnapshot[]`
   * as JSON. Bun copies a thousand of them as one string in 0.15 ms, as objects in 5.
   */
  | { readonly type: "changed"; readonly snapshots: string }
  /**
   * What has happened, as lines of JSON; which addresses were bound, as JSON of pairs: a service ("" is the
   * supervisor) and a URL. `dropped` are older events that main could not keep.
   */
  | {
      readonly type: "events";
      readonly lines: string;
      readonly listening: string;
      readonly dropped: number;
    }
  /** Lines of the log: the service, then its line, then the next service … */
  | { readonly type: "lines"; readonly lines: readonly string[]; readonly dropped: number }
  /** What consumers and schedules do: a `ServiceWork` by the name of each service, as JSON. */
  | { readonly type: "work"; readonly work: string }
  /** Main begins to carry a command out. */
  | { readonly type: "accepted"; readonly id: number }
  | { readonly type: "result"; readonly id: number; readonly result: CommandResult }
  | { readonly type: "plan"; readonly plan: OperatorPlan }
  /** Answered as the first listener is: with `listening` or `notListening`. */
  | { readonly type: "listen"; readonly admin: AdminPlan | false }
  /** A reload of services.yaml begins; `reload` follows. */
  | { readonly type: "reloading" }
  | { readonly type: "reload"; readonly reload: ReloadStatus; readonly result: ReloadResult }
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
  /** Something that is not there, and that services do not need: main logs it. */
  | {
      readonly type: "missing";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string;
    }
  /** Dropped when main sees it after `until`, in milliseconds since 1970. */
  | { readonly type: "command"; readonly id: number; readonly command: Command; readonly until: number }
  | { readonly type: "closed" };
