import type { Payload } from "../../driver.ts";
import { bytesAt, createWriter, fieldsOf, nextField, rawAt, readFields, textAt, textOf } from "./protobuf.ts";

/**
 * asynq's TaskMessage (internal/proto/asynq.proto; base.go, EncodeMessage), with its units: times and durations are
 * seconds, 0 and "" are "none". One with neither timeout nor deadline is written as asynq's client does it, because its
 * server calls any other a defect: with a timeout of 30 minutes, and with a field of ours that says that none was meant.
 */
export interface TaskMessage {
  readonly type: string;
  readonly payload: Payload;
  readonly id: string;
  readonly queue: string;
  /** How many failed attempts it may have. */
  readonly retry: number;
  readonly retried: number;
  readonly errorMsg: string;
  readonly timeout: number;
  readonly deadline: number;
  /** The whole Redis key of its lock. */
  readonly uniqueKey: string;
  readonly lastFailedAt: number;
  readonly retention: number;
  readonly completedAt: number;
  readonly groupKey: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Fields of a later asynq, encoded: kept when the message is written again. */
  readonly unknown?: Uint8Array;
}

export function encodeTaskMessage(message: TaskMessage): Uint8Array {
  const writer = messageWriter;
  writer.clear();
  writer.bytes(1, message.type);
  writer.bytes(2, message.payload);
  writer.bytes(3, message.id);
  writer.bytes(4, message.queue);
  writer.int(5, message.retry);
  writer.int(6, message.retried);
  writer.bytes(7, message.errorMsg);
  const isUnlimited = message.timeout === 0 && message.deadline === 0;
  writer.int(8, isUnlimited ? asynqTimeout : message.timeout);
  writer.int(9, message.deadline);
  writer.bytes(10, message.uniqueKey);
  writer.int(11, message.lastFailedAt);
  writer.int(12, message.retention);
  writer.int(13, message.completedAt);
  writer.bytes(14, message.groupKey);
  for (const name in message.headers) writer.message(15, encodePair(name, message.headers[name] as string));
  if (isUnlimited) writer.int(unlimited, 1);
  if (message.unknown) writer.raw(message.unknown);
  return writer.finish();
}

/**
 * `known`: what need not be read. `part`: where in `data` it is; all of it is one unless said otherwise.
 *
 * @throws RangeError when it is none
 */
export function decodeTaskMessage(
  data: Uint8Array,
  known?: { readonly id: string; readonly queue: string },
  part?: { readonly from: number; readonly at: number },
): TaskMessage {
  const message: Mutable<TaskMessage> = { ...empty };
  let headers: Record<string, string> | undefined;
  let unknown: Uint8Array[] | undefined;
  let isUnlimited = false;
  if (known) {
    message.id = known.id;
    message.queue = known.queue;
  }
  const field = fieldsOf(data, part?.from, part?.at);
  while (nextField(field)) {
    switch (field.number) {
      case 1:
        message.type = textAt(field);
        break;
      case 2:
        message.payload = bytesAt(field);
        break;
      case 3:
        if (!known) message.id = textAt(field);
        break;
      case 4:
        if (!known) message.queue = textAt(field);
        break;
      case 5:
        message.retry = field.int;
        break;
      case 6:
        message.retried = field.int;
        break;
      case 7:
        message.errorMsg = textAt(field);
        break;
      case 8:
        message.timeout = field.int;
        break;
      case 9:
        message.deadline = field.int;
        break;
      case 10:
        message.uniqueKey = textAt(field);
        break;
      case 11:
        message.lastFailedAt = field.int;
        break;
      case 12:
        message.retention = field.int;
        break;
      case 13:
        message.completedAt = field.int;
        break;
      case 14:
        message.groupKey = textAt(field);
        break;
      case 15:
        headers ??= {};
        readPair(bytesAt(field), headers);
        break;
      case unlimited:
        isUnlimited = true;
        break;
      default:
        unknown ??= [];
        unknown.push(rawAt(field));
    }
  }
  if (isUnlimited) message.timeout = 0;
  if (headers) message.headers = headers;
  if (unknown) message.unknown = Buffer.concat(unknown);
  return message;
}

/** An entry of a map<string, string>. */
function encodePair(name: string, value: string): Uint8Array {
  const writer = pairWriter;
  writer.clear();
  writer.bytes(1, name);
  writer.bytes(2, value);
  return writer.finish();
}

function readPair(data: Uint8Array, into: Record<string, string>): void {
  let name = "";
  let value = "";
  for (const { number, bytes } of readFields(data)) {
    if (number === 1) name = textOf(bytes);
    if (number === 2) value = textOf(bytes);
  }
  // Not by assignment: a header may be called __proto__.
  Object.defineProperty(into, name, { value, enumerable: true, writable: true, configurable: true });
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** asynq's client.go, defaultTimeout. */
const asynqTimeout = 1_800;
/** A field of ours, far from asynq's numbers; a Go server that writes the message again leaves it out. */
const unlimited = 2_000;

/** A writer of its own for each message would cost more than the message. */
const messageWriter = createWriter();
const pairWriter = createWriter();

const empty: TaskMessage = {
  type: "",
  payload: new Uint8Array(0),
  id: "",
  queue: "",
  retry: 0,
  retried: 0,
  errorMsg: "",
  timeout: 0,
  deadline: 0,
  uniqueKey: "",
  lastFailedAt: 0,
  retention: 0,
  completedAt: 0,
  groupKey: "",
  headers: {},
};
