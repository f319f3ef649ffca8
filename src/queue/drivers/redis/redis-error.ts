import { messageOf, SupervisorError } from "../../../core/errors.ts";

/**
 * What Redis, or the connection to it, said, as operators meet it. `again` says whether the same call may succeed
 * later by itself.
 *
 * BROKER_FULL: no memory or disk. BROKER_REFUSED: a password or right is missing. BROKER_UNREACHABLE: the rest of what
 * passes (no connection, starting, failing over). BROKER_KEY: a key is no queue's. Anything else is a defect and stays as it is.
 */
export function brokerError(error: unknown, broker: string, keys: readonly string[] = []): Error {
  if (error instanceof SupervisorError) return error;
  withoutCommand(error);
  const message = messageOf(error);
  if (/^(OOM|MISCONF)\b|ERR .*(OOM|MISCONF)\b/.test(message)) return full(broker, message, error);
  if (isRefusal(message)) return refused(broker, message, error);
  if (/^WRONGTYPE\b/.test(message)) return wrongKey(broker, message, keys, error);
  if (isPassing(error)) return unreachable(broker, message, error);
  return error instanceof Error ? error : new Error(message);
}

/** Errors are logged; ioredis keeps in them what was sent: passwords and payloads. */
export function withoutCommand(error: unknown): void {
  if (typeof error === "object" && error !== null) delete (error as { command?: unknown }).command;
}

/** Whether this is about the connection or the state of the server, and passes. */
export function isPassing(error: unknown): boolean {
  if (error instanceof SupervisorError) return error.code === "BROKER_UNREACHABLE";
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (
    typeof code === "string" &&
    /^(E[A-Z]+|UNABLE_|CERT_|DEPTH_|SELF_)/.test(code) &&
    !code.startsWith("ERR_INVALID")
  )
    return true;
  return passing.test(messageOf(error));
}

export function isRefusal(message: string): boolean {
  return /\b(WRONGPASS|NOAUTH|NOPERM|DENIED)\b|can't (run this command|access)|No permissions|invalid (username-)?password|without any password/i.test(
    message,
  );
}

export function refused(broker: string, message: string, cause?: unknown): SupervisorError {
  return new SupervisorError(
    "BROKER_REFUSED",
    `Redis of broker "${broker}" refused us: ${message}`,
    "Check user and password in its url. The user needs the keys asynq:*, the channel asynq:cancel, and +@all -@admin -@dangerous +info +keys.",
    { cause },
  );
}

export function unreachable(broker: string, message: string, cause?: unknown): SupervisorError {
  return new SupervisorError(
    "BROKER_UNREACHABLE",
    `Broker "${broker}" does not answer: ${message}`,
    "Check that Redis runs and that its address in services.yaml is right; connecting is tried again by itself.",
    { cause },
  );
}

/** A key that another program has written. Scripts of ours name it; otherwise it is one of `keys`, or begins with one that ends in a colon. */
function wrongKey(broker: string, message: string, keys: readonly string[], cause: unknown): SupervisorError {
  const named = /^WRONGTYPE (the key .*)/s.exec(message)?.[1];
  const places = keys.map((key) => (key.endsWith(":") ? `a key of ${key}` : `the key ${key}`));
  return new SupervisorError(
    "BROKER_KEY",
    `In Redis of broker "${broker}" ${named ?? `${places.join(", ")} holds what no queue has there`}`,
    "Something else has written it: look at it, rename or delete it, and give queues a database of their own.",
    { cause },
  );
}

function full(broker: string, message: string, cause: unknown): SupervisorError {
  return new SupervisorError(
    "BROKER_FULL",
    `Redis of broker "${broker}" takes no more: ${message}`,
    "Give it more memory (maxmemory) or disk, or delete tasks: supervisor queue ls shows where they are.",
    { cause },
  );
}

const passing =
  /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|UNBLOCKED|MOVED|ASK)\b|Connection is (closed|ended)|max retries per request|Reached the max|Command timed out|isn't writeable|ClusterAllFailed|Failed to refresh slots|Too many Cluster redirections|sentinels are unreachable|Socket closed|socket has been ended|Connection is in subscriber|None of startup nodes|Cluster isn't ready|connect ETIMEDOUT/i;
