import { createHash } from "node:crypto";
import { messageOf } from "../core/errors.ts";
import type { Payload } from "./driver.ts";
import { invalidTask } from "./producer-invalid.ts";

/** Bytes of one payload: what is larger belongs into a file or a table, and its place into the task. */
export const mostPayloadBytes = 16 * 1_048_576;

/**
 * What a broker keeps of a task's payload: JSON text, bytes as they are (copied: the caller may go on with its own),
 * nothing for `undefined`, like asynq's nil.
 *
 * @throws SupervisorError TASK_INVALID when it is no JSON, or too large
 */
export function serializePayload(payload: unknown, type: string): Payload {
  if (payload === undefined) return "";
  const bytes = payload instanceof Uint8Array ? new Uint8Array(payload) : textOf(payload, type);
  const size = sizeOf(bytes);
  if (size <= mostPayloadBytes) return bytes;
  throw invalidTask(
    type,
    `its payload has ${size} bytes, more than ${mostPayloadBytes}`,
    "Keep large data elsewhere, and put into the payload where it is.",
  );
}

/**
 * The lock of a unique task, exactly as asynq writes it (internal/base/base.go, UniqueKey): with one broker between
 * them, a Go client and this one exclude each other.
 */
export function uniqueKeyOf(queue: string, type: string, payload: Payload | undefined): string {
  const digest = payload === undefined ? "" : createHash("md5").update(payload).digest("hex");
  return `asynq:{${queue}}:unique:${type}:${digest}`;
}

function textOf(payload: unknown, type: string): string {
  // As JSON they would be null, and nobody would know why.
  if (typeof payload === "number" && !Number.isFinite(payload)) throw notJson(type, `${payload} has no JSON`);
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (error) {
    throw notJson(type, messageOf(error), error);
  }
  if (text === undefined) throw notJson(type, `a ${typeof payload} has no JSON`);
  return text;
}

function notJson(type: string, why: string, cause?: unknown) {
  return invalidTask(
    type,
    `its payload is no JSON: ${why.split("\n")[0]}`,
    "Pass plain objects, lists, texts and numbers (a BigInt as text), or a Uint8Array.",
    cause,
  );
}

/** Counted only when it could be too much: most payloads are small. */
function sizeOf(payload: Payload): number {
  if (typeof payload !== "string") return payload.byteLength;
  return payload.length * 3 <= mostPayloadBytes ? payload.length : Buffer.byteLength(payload);
}
