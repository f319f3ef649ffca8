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
  BAD_TLS: {
    exit: 78,
    means: "A certificate or its key cannot be read, or cannot be used.",
  },
  START_TIMEOUT: { exit: 70, means: "A service was not ready within start_timeout." },
  RUN_FAILED: { exit: 70, means: "A service's start or run failed." },
  UNHEALTHY: { exit: 70, means: "A service failed its health probe too often." },
  DEPENDENCY_FAILED: {
    exit: 70,
    means: "A service cannot start because one that it depends on is gone for good.",
  },
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
