/** A duration as people write it (`"30s"`), or milliseconds. */
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
   * Aborts when the attempt shall end: its timeout, its deadline, `task cancel`, or the stop of the service once its
   * time is over. Its `reason` says which. What the handler does afterwards no longer settles the message.
   */
  readonly signal: AbortSignal;
  /** Tells operators how far it is; any JSON. */
  progress(value: unknown): void;
  /** Done, although the handler may throw later. In batches: this one is done. The last of these three calls counts. */
  ack(result?: unknown): void;
  /** Not done: again after `delay` (default: the backoff). It counts as a failed attempt unless `counts` is false. */
  retry(options?: { delay?: Duration; error?: unknown; counts?: boolean }): void;
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
   * @throws SupervisorError TASK_DUPLICATE (`unique`), TASK_CONFLICT (`id`), TASK_INVALID, BROKER_UNREACHABLE
   */
  enqueue(type: string, payload?: unknown, options?: EnqueueOptions): Promise<EnqueuedTask>;
  /** All in one round trip. Each has its own outcome: a duplicate does not harm the others. */
  enqueueAll(tasks: readonly TaskRequest[]): Promise<readonly EnqueueOutcome[]>;
  /**
   * The steps run one after the other; each gets `{ input, previous }` where `previous` is the result of the step
   * before. A step that fails for good ends the chain there. Resolves when the first step is enqueued.
   */
  chain(steps: readonly TaskRequest[]): Promise<EnqueuedTask>;
  /** A task as it stands now; undefined when the broker knows none of that id. */
  find(id: string, options?: { queue?: string }): Promise<FoundTask | undefined>;
  /** Asks whoever works on it to stop; one that waits is deleted. False: none of that id works or waits. */
  cancel(id: string, options?: { queue?: string }): Promise<boolean>;
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
  /** It waits in this group until the service's `aggregate` makes one task of all of them. */
  readonly group?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface EnqueuedTask {
  readonly id: string;
  readonly queue: string;
  readonly state: "pending" | "scheduled" | "aggregating";
}

export type EnqueueOutcome =
  | ({ readonly ok: true } & EnqueuedTask)
  | { readonly ok: false; readonly id: string; readonly code: "TASK_DUPLICATE" | "TASK_CONFLICT" };

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
  /** `catch-up`: its time passed while nothing ran. `manual`: an operator wants it now. */
  readonly cause: "clock" | "catch-up" | "manual";
  /** Aborts when the run shall end: the stop of the service, once its time is over. */
  readonly signal: AbortSignal;
}
