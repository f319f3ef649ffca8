import type { QueueAnswers, QueueCommand } from "./queue-command.ts";

/*
 * What an operator can ask of a running supervisor, and what becomes of it. Everything here is JSON: it crosses
 * threads and the control socket.
 */

/** What can be done to services by name. */
export type Verb = "start" | "stop" | "restart" | "pause" | "resume";

export type Command =
  /** `services` are names or globs (`pay*`), at least one. */
  | { readonly tag: Verb; readonly services: readonly string[] }
  /** Reads services.yaml again. `dryRun`: says what would change, and changes nothing. */
  | { readonly tag: "reload"; readonly dryRun: boolean }
  /** A request into a service without a network. */
  | { readonly tag: "inject"; readonly service: string; readonly request: InjectedRequest }
  /** About queues, tasks and schedules. */
  | { readonly tag: "queues"; readonly command: QueueCommand }
  /** Stops the whole group in order and ends the process. */
  | { readonly tag: "shutdown" };

export interface InjectedRequest {
  readonly method: string;
  /** With its query; begins with a slash. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** One thing that was done, or would be done, to one service or to one section of the file. */
export interface StepResult {
  /** The name of a service, or `admin`, `log`, `shutdown`. */
  readonly subject: string;
  readonly action: StepAction;
  readonly outcome: "done" | "failed" | "planned";
  /** The generation that serves now. */
  readonly generation?: number;
  readonly durationMs: number;
  /** Something the operator should know although it worked. */
  readonly note?: string;
  readonly error?: CommandError;
}

export type StepAction =
  | "start"
  | "stop"
  | "restart"
  | "replace"
  | "pause"
  | "resume"
  | "reconfigure"
  | "add"
  | "remove"
  | "unchanged";

export interface CommandError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface CommandResult {
  readonly outcome: "done" | "failed";
  readonly steps: readonly StepResult[];
  /** Why nothing was done at all: an unknown service, an invalid file (rendered, with positions). */
  readonly problems?: readonly CommandError[];
  /** The answer to an injected request. */
  readonly response?: InjectedResponse;
  /** The answer to a command about queues, tasks or schedules. */
  readonly answer?: QueueAnswers[keyof QueueAnswers];
}

export interface InjectedResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}
