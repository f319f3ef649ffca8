import type { ScheduleNotice } from "../../../core/schedule-store.ts";
import type { ServerInfo } from "../../../core/task.ts";
import { createWriter, readFields, textOf } from "./protobuf.ts";

/*
 * What asynq's tools show of servers, workers and schedulers (internal/proto/asynq.proto; base.go, Encode…). Times
 * here are milliseconds since 1970.
 */

export interface ServerRecord extends ServerInfo {
  readonly strict: boolean;
}

export function encodeServer(server: ServerRecord): Uint8Array {
  const writer = createWriter();
  writer.bytes(1, server.host);
  writer.int(2, server.pid);
  writer.bytes(3, server.id);
  writer.int(4, server.concurrency);
  for (const [queue, weight] of Object.entries(server.queues)) {
    const pair = createWriter();
    pair.bytes(1, queue);
    pair.int(2, weight);
    writer.message(5, pair.finish());
  }
  writer.int(6, server.strict ? 1 : 0);
  writer.bytes(7, server.status);
  writer.message(8, timestamp(server.startedAt));
  writer.int(9, server.active);
  return writer.finish();
}

export function decodeServer(data: Uint8Array): ServerInfo {
  const queues: Record<string, number> = {};
  let [id, host, status] = ["", "", ""];
  let [pid, concurrency, startedAt, active] = [0, 0, 0, 0];
  for (const { number, int, bytes } of readFields(data)) {
    if (number === 1) host = textOf(bytes);
    else if (number === 2) pid = int;
    else if (number === 3) id = textOf(bytes);
    else if (number === 4) concurrency = int;
    else if (number === 5) readWeight(bytes, queues);
    else if (number === 7) status = textOf(bytes);
    else if (number === 8) startedAt = readTimestamp(bytes);
    else if (number === 9) active = int;
  }
  return { id, host, pid, startedAt, status, concurrency, queues, active };
}

export interface WorkerRecord {
  readonly host: string;
  readonly pid: number;
  readonly server: string;
  readonly id: string;
  readonly type: string;
  readonly payload: Uint8Array | string;
  readonly queue: string;
  readonly startedAt: number;
  readonly deadline: number;
}

export function encodeWorker(worker: WorkerRecord): Uint8Array {
  const writer = createWriter();
  writer.bytes(1, worker.host);
  writer.int(2, worker.pid);
  writer.bytes(3, worker.server);
  writer.bytes(4, worker.id);
  writer.bytes(5, worker.type);
  writer.bytes(6, worker.payload);
  writer.bytes(7, worker.queue);
  writer.message(8, timestamp(worker.startedAt));
  writer.message(9, timestamp(worker.deadline));
  return writer.finish();
}

export function encodeSchedule(notice: ScheduleNotice): Uint8Array {
  const writer = createWriter();
  writer.bytes(1, notice.entry);
  writer.bytes(2, notice.cron);
  writer.bytes(3, notice.type);
  writer.bytes(4, notice.payload);
  writer.bytes(5, `Queue(${JSON.stringify(notice.queue)})`);
  writer.message(6, timestamp(notice.next));
  // Go's zero time, which asynq's tools show as "never".
  writer.message(7, notice.previous === undefined ? seconds(goZeroTime) : timestamp(notice.previous));
  return writer.finish();
}

export function encodeEnqueueEvent(taskId: string, at: number): Uint8Array {
  const writer = createWriter();
  writer.bytes(1, taskId);
  writer.message(2, timestamp(at));
  return writer.finish();
}

/** 0001-01-01 in seconds since 1970. */
const goZeroTime = -62_135_596_800;

/** google.protobuf.Timestamp */
function timestamp(ms: number): Uint8Array {
  const writer = createWriter();
  writer.int(1, Math.floor(ms / 1000));
  writer.int(2, Math.round((ms - Math.floor(ms / 1000) * 1000) * 1e6));
  return writer.finish();
}

function seconds(value: number): Uint8Array {
  const writer = createWriter();
  writer.int(1, value);
  return writer.finish();
}

function readTimestamp(data: Uint8Array): number {
  let ms = 0;
  for (const { number, int } of readFields(data)) ms += number === 1 ? int * 1000 : int / 1e6;
  return Math.round(ms);
}

function readWeight(data: Uint8Array, into: Record<string, number>): void {
  let queue = "";
  let weight = 0;
  for (const { number, int, bytes } of readFields(data)) {
    if (number === 1) queue = textOf(bytes);
    if (number === 2) weight = int;
  }
  into[queue] = weight;
}
