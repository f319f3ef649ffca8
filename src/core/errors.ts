/**
 * Every code an operator can meet, with what it means and the exit code when it ends the process.
 * `docs/errors.md` is generated from this table.
 */
export const errorCodes = {
  YAML_SYNTAX: { exit: 78, means: "services.yaml is not valid YAML." },
  CONFIG_NOT_FOUND: {
    exit: 78,
    means: "The services.yaml that was asked for does not exist or cannot be read.",
  },
  UNKNOWN_KEY: { exit: 78, means: "A key is not part of the schema." },
  WRONG_TYPE: { exit: 78, means: "A value has another type than the schema asks for." },
  BAD_VALUE: { exit: 78, means: "A value has the right type but is not allowed." },
  MISSING_KEY: { exit: 78, means: "A required key is absent." },
  UNSET_VARIABLE: { exit: 78, means: "A ${VARIABLE} without default is not set in the environment." },
  UNKNOWN_SERVICE: { exit: 78, means: "A name refers to a service that is not in services.yaml." },
  DEPENDENCY_CYCLE: { exit: 78, means: "Services depend on each other in a circle." },
  DUPLICATE_ADDRESS: { exit: 78, means: "Two services claim the same address, hostname and path." },
  BUDGET_EXCEEDED: { exit: 78, means: "The stop deadlines add up to more than shutdown.timeout." },
  MODULE_NOT_FOUND: {
    exit: 78,
    means: "The file of a service, or something that it imports, does not exist.",
  },
  MODULE_SYNTAX: { exit: 78, means: "The file of a service cannot be parsed." },
  MODULE_THREW: { exit: 78, means: "The file of a service threw while it was loaded." },
  MODULE_TIMEOUT: {
    exit: 78,
    means: "The file of a service did not finish loading: a top-level await never ends.",
  },
  NOT_A_SERVICE: { exit: 78, means: "An export is not a service." },
  BAD_CONFIG: { exit: 78, means: "A config: block does not fit the module's own config schema." },
  ADDRESS_IN_USE: { exit: 70, means: "Another process listens on a port or socket that a service needs." },
  ADDRESS_FORBIDDEN: { exit: 70, means: "The process may not bind this port or socket." },
  ADDRESS_UNAVAILABLE: { exit: 70, means: "The host of an address does not belong to this machine." },
  SOCKET_NOT_PASSED: {
    exit: 78,
    means: "systemd has not passed the socket that services.yaml names, or it is another one than it says.",
  },
  BAD_TLS: {
    exit: 78,
    means: "A certificate or its key cannot be read, or cannot be used.",
  },
  START_TIMEOUT: { exit: 70, means: "A service was not ready within start_timeout." },
  RUN_FAILED: { exit: 70, means: "A service's start or run failed." },
  UNHEALTHY: { exit: 70, means: "A service failed its health probe too often." },
  WORKER_EXITED: { exit: 70, means: "The thread of a service with isolation: worker has ended by itself." },
  WORKER_FROZEN: {
    exit: 70,
    means: "The thread of a service with isolation: worker did not turn its event loop for too long.",
  },
  WORKER_OUT_OF_MEMORY: {
    exit: 70,
    means: "The thread of a service with isolation: worker used more than its memory limit.",
  },
  DEPENDENCY_FAILED: {
    exit: 70,
    means: "A service cannot start because one that it depends on is gone for good.",
  },
  DEPENDENCY_NOT_READY: {
    exit: 70,
    means:
      "A service was not started because one that it depends on is not ready, or was stopped by an operator.",
  },
  CANNOT_SEAL: { exit: 78, means: "Something that a module needs cannot be put into a sealed executable." },
  ALREADY_RUNNING: { exit: 78, means: "Another process runs a supervisor of the same name." },
  CONTROL_UNAVAILABLE: { exit: 70, means: "There is no place for the control socket." },
  NOT_RUNNING: { exit: 3, means: "No supervisor runs that the command could talk to." },
  SEVERAL_RUNNING: {
    exit: 64,
    means: "More than one supervisor runs, and the command does not say which it is for.",
  },
  CONTROL_FORBIDDEN: { exit: 1, means: "The supervisor belongs to another user." },
  FROZEN: { exit: 1, means: "A service blocks the event loop, so the supervisor cannot act." },
  STILL_RUNNING: { exit: 1, means: "The time-out of a command passed before it had ended; it goes on." },
  STOPPING: { exit: 1, means: "The group is stopping and takes no more commands." },
  WRONG_HOST: { exit: 1, means: "A request to the API names a host that this listener does not answer for." },
  WRONG_ORIGIN: { exit: 1, means: "A request to the API comes from a page of another origin." },
  WRONG_TOKEN: {
    exit: 1,
    means: "A request to the API lacks the token of `admin.token`, or has another one.",
  },
  TOKEN_NEEDED: {
    exit: 1,
    means: "The API is closed on an address that other machines reach, until `admin.token` is set.",
  },
  READ_ONLY: { exit: 1, means: "A request would change something, but `admin.read_only` is set." },
  BAD_REQUEST: { exit: 1, means: "A request to the API is wrong." },
  NOT_FOUND: { exit: 1, means: "The API has nothing at that path." },
  METHOD_NOT_ALLOWED: { exit: 1, means: "The API has that path, but not with that method." },
  TOO_LARGE: { exit: 1, means: "A body is larger than the API takes or gives." },
  TOO_MANY_STREAMS: { exit: 1, means: "Too many clients follow logs or events at once." },
  BROKER_UNREACHABLE: { exit: 70, means: "A broker does not answer." },
  BROKER_REFUSED: {
    exit: 78,
    means:
      "A broker answers, but not to us: a wrong password, a missing right, or a version that is too old.",
  },
  BROKER_FULL: { exit: 70, means: "A broker has no room for another task: its disk or its memory is full." },
  BROKER_KEY: {
    exit: 70,
    means: "A key in Redis, where a queue has its own, holds what another program wrote.",
  },
  BAD_BROKER: { exit: 78, means: "The address of a broker is not one, or its file is not a queue." },
  TASK_DUPLICATE: {
    exit: 1,
    means: "A task with the same type and payload waits already, and `unique` forbids two.",
  },
  TASK_CONFLICT: { exit: 1, means: "A task with this id exists already." },
  TASK_INVALID: { exit: 1, means: "A task cannot be enqueued as it is." },
  UNKNOWN_BROKER: { exit: 1, means: "services.yaml has no broker of that name." },
  UNKNOWN_QUEUE: { exit: 1, means: "A broker has no queue of that name." },
  UNKNOWN_TASK: { exit: 1, means: "A broker has no task with that id." },
  UNKNOWN_SCHEDULE: { exit: 1, means: "No service of that name has a schedule." },
  INTERNAL: { exit: 70, means: "A defect of the supervisor itself." },
  UNSUPPORTED: { exit: 1, means: "This supervisor cannot do what was asked." },
  USAGE: { exit: 64, means: "The command line is wrong." },
  FILE_EXISTS: { exit: 64, means: "A file that would be written exists already." },
  FILE_UNWRITABLE: { exit: 64, means: "A file cannot be written where the command line asks for it." },
} as const satisfies Record<string, { exit: number; means: string }>;
export type ErrorCode = keyof typeof errorCodes;

/** What an operator meets: a stable code, one sentence, and what to do now. */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Thrown by a service to say that trying again is useless: the restart policy is skipped.
 * Recognised by its name, so a copy of this class from another package counts too.
 */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}

/**
 * Whether trying again is useless: the error says so, or only a change of services.yaml or of the code helps.
 *
 * @example isPermanent(new PermanentError("no such tenant")) // true
 */
export function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "PermanentError") return true;
  if (!(error instanceof SupervisorError)) return false;
  return error.code === "DEPENDENCY_FAILED" || errorCodes[error.code].exit === 78;
}

/** The one-line form of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  if (typeof error !== "object" || error === null) return String(error);
  try {
    return JSON.stringify(error) ?? String(error);
  } catch {
    // Circular, or its toJSON throws: its kind has to do.
    return Object.prototype.toString.call(error);
  }
}
