import { parseDuration } from "../core/duration.ts";
import type { SupervisorError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { EnqueueOptions, TaskRequest } from "../service/message.ts";
import { invalidTask, shown } from "./producer-invalid.ts";

/** Options of a task, checked, with their defaults; times and durations in milliseconds. */
export interface TaskOptions {
  readonly type: string;
  readonly queue: string;
  readonly id?: string;
  readonly key?: string;
  readonly group?: string;
  readonly delay?: number;
  readonly at?: number;
  readonly unique?: number;
  readonly maxRetry: number;
  readonly timeout: number;
  readonly deadline: number;
  readonly retention: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** asynq's default (client.go, defaultMaxRetry). */
const usualMaxRetry = 25;
const usualQueue = "default";
const longestText = 255;
const longestQueueName = 100;
/** Redis keeps held tasks among the scheduled ones, in the last second of that day (drivers/redis/keys.ts). */
const latestTime = Date.UTC(9999, 11, 31);
const mostHeaderBytes = 16_384;
/** Headers that begin with this are ours. */
const ownHeaders = "supervisor-";

/**
 * Checks what a caller asks for; `now` is the wall clock.
 *
 * @throws SupervisorError TASK_INVALID that names the option and its value
 */
export function readOptions(request: TaskRequest, now: number): TaskOptions {
  const { type } = request;
  if (typeof type !== "string" || type.trim() === "") {
    throw invalidTask(type, "its type must be a text that is not blank", 'For example "mail:welcome".');
  }
  readText(type, "type", type);
  if (onlyType(request)) return { type, queue: usualQueue, ...plainOptions };
  assertKnown(request);
  const { at, delay, unique, group, headers } = request;
  const { queue = usualQueue, maxRetry = usualMaxRetry, timeout = 0, retention = 0 } = request;
  if (at !== undefined && delay !== undefined) {
    throw invalidTask(type, "delay and at exclude each other", "Say how long from now, or when.");
  }
  if (group !== undefined) assertGroup(request);
  const options: TaskOptions = {
    type,
    queue: readQueueName(type, queue),
    maxRetry: readCount(type, "maxRetry", maxRetry),
    timeout: readDuration(type, "timeout", timeout),
    deadline: request.deadline === undefined ? 0 : readTime(type, "deadline", request.deadline),
    retention: readDuration(type, "retention", retention),
    ...texts(request),
    ...(delay === undefined ? {} : { delay: readDelay(type, delay, now) }),
    ...(at === undefined ? {} : { at: readTime(type, "at", at) }),
    ...(unique === undefined ? {} : { unique: readUnique(type, unique) }),
    ...(headers === undefined ? {} : { headers: readHeaders(type, headers) }),
  };
  assertDeadline(options, now);
  return options;
}

/** @throws SupervisorError TASK_INVALID when it is no list of objects */
export function assertRequests(requests: unknown): asserts requests is readonly TaskRequest[] {
  const hint = 'Pass a list like [{ type: "mail:welcome", payload: { to: "a@b.c" } }].';
  if (!Array.isArray(requests)) throw invalidTask(requests, "it is no list of tasks", hint);
  for (const [index, request] of requests.entries()) {
    if (typeof request === "object" && request !== null) continue;
    throw invalidTask(request, `number ${index + 1} of the list is no task`, hint);
  }
}

/** When it may run first; undefined: now. */
export function runAtOf({ delay, at }: Pick<TaskOptions, "delay" | "at">, now: number): number | undefined {
  const runAt = at ?? (delay === undefined ? now : now + delay);
  return runAt > now ? runAt : undefined;
}

const plainOptions = { maxRetry: usualMaxRetry, timeout: 0, deadline: 0, retention: 0 } as const;

const optionNames: ReadonlySet<string> = new Set([
  "type",
  "payload",
  "queue",
  "delay",
  "at",
  "key",
  "id",
  "unique",
  "maxRetry",
  "timeout",
  "deadline",
  "retention",
  "group",
  "headers",
] satisfies (keyof TaskRequest)[]);

/** Most tasks have no options at all. */
function onlyType(request: TaskRequest): boolean {
  for (const name in request) if (name !== "type" && name !== "payload") return false;
  return true;
}

function assertKnown(request: TaskRequest): void {
  for (const name in request) {
    if (optionNames.has(name)) continue;
    const near = nearest(name, optionNames);
    const hint = near ? `Did you mean "${near}"?` : `Known options: ${[...optionNames].join(", ")}.`;
    throw invalidTask(request.type, `there is no option "${name}"`, hint);
  }
}

/** Its `aggregate` decides what becomes of a group, and when: nothing else may. */
function assertGroup(request: EnqueueOptions & { type: string }): void {
  for (const other of ["unique", "delay", "at"] as const) {
    if (request[other] === undefined) continue;
    const hint = "How long a group waits is said by consume.group; what has come twice is up to aggregate.";
    throw invalidTask(request.type, `group and ${other} exclude each other`, hint);
  }
}

function texts({ type, id, key, group }: TaskRequest): Pick<TaskOptions, "id" | "key" | "group"> {
  return {
    ...(id === undefined ? {} : { id: readText(type, "id", id) }),
    ...(key === undefined ? {} : { key: readText(type, "key", key) }),
    ...(group === undefined ? {} : { group: readText(type, "group", group) }),
  };
}

function readText(type: string, name: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= longestText && !value.includes("\0")) {
    return value;
  }
  const hint = `A text of 1 to ${longestText} characters, without NUL.`;
  throw invalidTask(type, `${name} cannot be ${shown(value)}`, hint);
}

function readQueueName(type: string, value: unknown): string {
  const isName =
    typeof value === "string" &&
    value.length <= longestQueueName &&
    /^[A-Za-z0-9][A-Za-z0-9:._-]*$/.test(value);
  if (isName) return value;
  const hint = `Letters, digits and : . _ - are allowed, beginning with a letter or digit, at most ${longestQueueName}.`;
  throw invalidTask(type, `queue cannot be ${shown(value)}`, hint);
}

function readCount(type: string, name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 31 - 1) {
    return value as number;
  }
  throw invalidTask(type, `${name} cannot be ${shown(value)}`, "A whole number, 0 or more.");
}

function readDuration(type: string, name: string, value: unknown): number {
  const ms = typeof value === "string" ? parseDuration(value) : value;
  if (typeof ms === "number" && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER) return Math.ceil(ms);
  const hint = 'Write it like "30s" or "1h30m", or give milliseconds.';
  throw invalidTask(type, `${name} cannot be ${shown(value)}`, hint);
}

function readDelay(type: string, value: unknown, now: number): number {
  const ms = readDuration(type, "delay", value);
  if (now + ms <= latestTime) return ms;
  throw tooLate(type, "delay", value);
}

/** asynq refuses less than a second too (client.go, Unique). */
function readUnique(type: string, value: unknown): number {
  const ms = readDuration(type, "unique", value);
  if (ms >= 1_000) return ms;
  throw invalidTask(type, `unique cannot be ${shown(value)}`, "The lock lasts one second or more.");
}

function readTime(type: string, name: string, value: unknown): number {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms === "number" && ms >= 0 && ms <= latestTime) return Math.ceil(ms);
  if (typeof ms === "number" && ms > latestTime && Number.isFinite(ms)) throw tooLate(type, name, value);
  const hint = "A Date, or milliseconds since 1970.";
  throw invalidTask(type, `${name} cannot be ${shown(value)}`, hint);
}

function tooLate(type: string, name: string, value: unknown): SupervisorError {
  return invalidTask(
    type,
    `${name} cannot be ${shown(value)}`,
    "Nothing waits longer than until 9999-12-31.",
  );
}

function readHeaders(type: string, headers: unknown): Readonly<Record<string, string>> {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw invalidTask(type, `headers cannot be ${shown(headers)}`, "An object of texts.");
  }
  let size = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name === "" || name.startsWith(ownHeaders)) {
      const hint = `A name has a letter, and does not begin with ${ownHeaders}.`;
      throw invalidTask(type, `headers cannot have the name ${shown(name)}`, hint);
    }
    if (typeof value !== "string") {
      throw invalidTask(type, `headers.${name} cannot be ${shown(value)}`, "Headers are texts.");
    }
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > mostHeaderBytes) {
    const hint = "Put data into the payload; headers are for what is about it.";
    throw invalidTask(type, `headers have ${size} bytes, more than ${mostHeaderBytes}`, hint);
  }
  return { ...headers };
}

/** What could never run is told now, not found in the archive later. */
function assertDeadline({ type, deadline, ...when }: TaskOptions, now: number): void {
  if (deadline === 0) return;
  const runAt = runAtOf(when, now) ?? now;
  if (deadline > runAt) return;
  const problem = deadline <= now ? "has passed" : "comes before its first attempt";
  const hint = "No attempt would ever begin: leave it out, or choose a later time.";
  throw invalidTask(type, `deadline ${shown(new Date(deadline))} ${problem}`, hint);
}
