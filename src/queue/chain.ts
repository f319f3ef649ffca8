import { messageOf, PermanentError } from "../core/errors.ts";
import type { TaskRequest } from "../service/message.ts";
import type { Delivery, NewTask, Payload } from "./driver.ts";
import { invalidTask } from "./producer-invalid.ts";
import type { TaskOptions } from "./producer-options.ts";
import { readOptions, runAtOf } from "./producer-options.ts";
import { serializePayload } from "./producer-payload.ts";

/** Where a task carries the steps that follow it. */
export const chainHeader = "supervisor-chain";

/** Bytes of that header: each step carries all that follow. */
export const mostChainBytes = 65_536;

/** Tells the later steps of a chain from those of another one with the same id. */
const runHeader = "supervisor-chain-run";

/** A step that has yet to come; its `delay` counts from the end of the one before. */
type Step = Omit<TaskOptions, "id" | "group" | "unique"> & { readonly input?: unknown };

interface Chain {
  /** The id of the first step's task. */
  readonly id: string;
  /** Absent in those of earlier versions. */
  readonly run?: string;
  /** Which step comes next; the first one is 1. */
  readonly next: number;
  readonly steps: readonly [Step, ...Step[]];
}

/** The first step of a chain as a request: the others are in its headers. @throws SupervisorError TASK_INVALID */
export function firstOfChain(
  requests: readonly TaskRequest[],
  newId: () => string,
  now: number,
): { readonly request: TaskRequest; readonly header: string | undefined } {
  const [first, ...rest] = requests;
  if (!first) throw invalidTask("a chain", "it has no steps", "Pass at least one.");
  assertStep(first, 0);
  // Within { input } it would be checked as a part of it.
  serializePayload(first.payload, first.type);
  const id = first.id ?? newId();
  const request = { ...first, id, payload: { input: first.payload } };
  const [second, ...others] = rest.map((step, index) => stepOf(step, index + 1, now));
  if (!second) return { request, header: undefined };
  return { request, header: headerOf({ id, run: newId(), next: 2, steps: [second, ...others] }, first.type) };
}

/**
 * The task that follows once `delivery` is done with `result`, for the `next` of its ack; undefined when it is in no
 * chain, or the last of one. Its id is made from the chain's and its place, so that a step that is done twice is followed
 * once. `now` is the wall clock: a step's `delay` counts from there.
 *
 * @throws PermanentError when the chain cannot be read, or the result is too large to be handed on
 */
export function nextOfChain(
  delivery: Delivery,
  result: Payload | undefined,
  now: number,
): NewTask | undefined {
  const header = delivery.headers[chainHeader];
  if (header === undefined) return undefined;
  const { id, run, next, steps } = readChain(header);
  const [{ input, delay, at, headers, ...step }, following, ...others] = steps;
  const runAt = runAtOf(
    { ...(delay === undefined ? {} : { delay }), ...(at === undefined ? {} : { at }) },
    now,
  );
  const trace = delivery.headers.traceparent;
  return {
    ...step,
    id: `${id}:${next}`,
    payload: payloadOf(step.type, input, result),
    headers: {
      ...(trace === undefined ? {} : { traceparent: trace }),
      ...headers,
      ...(run === undefined ? {} : { [runHeader]: run }),
      ...(following
        ? { [chainHeader]: JSON.stringify({ id, run, next: next + 1, steps: [following, ...others] }) }
        : {}),
    },
    ...(runAt === undefined ? {} : { runAt }),
  };
}

/** What comes later is checked now: nobody is there to read the error of a step that fails to be enqueued. */
function stepOf(request: TaskRequest, index: number, now: number): Step {
  assertStep(request, index);
  const { id: _id, group: _group, unique: _unique, ...options } = readOptions(request, now);
  serializePayload(request.payload, request.type);
  return request.payload === undefined ? options : { ...options, input: request.payload };
}

function assertStep(request: TaskRequest, index: number): void {
  const { type, payload } = request;
  const step = `step ${index + 1} of a chain`;
  if (payload instanceof Uint8Array) {
    throw invalidTask(type, `the payload of ${step} must be JSON`, "It is handed on as { input, previous }.");
  }
  for (const name of index === 0 ? (["group"] as const) : (["group", "unique", "id"] as const)) {
    if (request[name] === undefined) continue;
    const hint =
      name === "group"
        ? "A group becomes another task, which would not be the chain's."
        : "Only the first step may have it: it stands for the whole chain.";
    throw invalidTask(type, `${step} cannot have ${name}`, hint);
  }
}

function headerOf(chain: Chain, type: string): string {
  const text = JSON.stringify(chain);
  const size = Buffer.byteLength(text);
  if (size <= mostChainBytes) return text;
  throw invalidTask(
    type,
    `the later steps of its chain have ${size} bytes, more than ${mostChainBytes}`,
    "Keep large data elsewhere, and put into the payloads where it is.",
  );
}

function readChain(text: string): Chain {
  try {
    const chain = JSON.parse(text) as Partial<Chain> | null;
    const isChain =
      typeof chain?.id === "string" &&
      Number.isInteger(chain.next) &&
      typeof chain.steps?.[0]?.type === "string";
    if (isChain) return chain as Chain;
  } catch (error) {
    throw new PermanentError(`The header ${chainHeader} is no JSON: ${messageOf(error)}`, { cause: error });
  }
  throw new PermanentError(`The header ${chainHeader} holds no chain`);
}

function payloadOf(type: string, input: unknown, result: Payload | undefined): Payload {
  try {
    return serializePayload({ input, previous: previousOf(result) }, type);
  } catch (error) {
    throw new PermanentError(`The next step of the chain cannot have this result: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** JSON as the value that it stands for, other text as text, other bytes as base64. */
function previousOf(result: Payload | undefined): unknown {
  if (result === undefined || result.length === 0) return undefined;
  let text: string;
  try {
    text = typeof result === "string" ? result : new TextDecoder("utf-8", { fatal: true }).decode(result);
  } catch {
    // No UTF-8.
    return Buffer.from(result as Uint8Array).toString("base64");
  }
  try {
    return JSON.parse(text);
  } catch {
    // Text that was never meant to be JSON.
    return text;
  }
}
