/** The states of a service, as anyone outside the group sees them. */
export type ServiceState =
  | "pending"
  | "loading"
  | "starting"
  | "ready"
  | "unhealthy"
  | "stopping"
  | "stopped"
  | "backoff"
  | "quarantined"
  | "completed"
  | "failed";

/** What can be told about one service without asking it. Structured-cloneable: it crosses threads. */
export interface ServiceSnapshot {
  readonly name: string;
  readonly state: ServiceState;
  readonly generation: number;
  readonly critical: boolean;
  /** Its place in the order of the first starts, from 0; absent until it was started once. The stop is the reverse. */
  readonly startedAs?: number;
  /** Milliseconds since 1970 at which it entered `state`. */
  readonly since: number;
  /** Why it is in this state, when there is something to tell. */
  readonly reason?: string;
  /** Failures since it was last stable. */
  readonly failures: number;
  /** For `backoff` and `quarantined`: milliseconds since 1970 of the next try. */
  readonly retryAt?: number;
  /** An operator has closed its intake; it runs, but takes no work. */
  readonly paused?: true;
  /** The generation that comes up beside the serving one. */
  readonly replacing?: number;
  /** It stays stopped until somebody starts it. */
  readonly stoppedBy?: "operator";
  /** What an operator should know although the service does its work. */
  readonly note?: string;
}
