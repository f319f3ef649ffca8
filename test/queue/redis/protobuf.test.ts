import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createWriter, readFields } from "../../../src/queue/drivers/redis/protobuf.ts";
import { decodeServer, encodeServer } from "../../../src/queue/drivers/redis/records.ts";
import type { TaskMessage } from "../../../src/queue/drivers/redis/task-message.ts";
import { decodeTaskMessage, encodeTaskMessage } from "../../../src/queue/drivers/redis/task-message.ts";

const text = fc.string({ unit: "binary" });
const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 53 - 1 });
const message = fc.record({
  type: text,
  payload: fc.uint8Array({ maxLength: 600 }),
  id: text,
  queue: text,
  retry: whole,
  retried: whole,
  errorMsg: text,
  timeout: whole,
  deadline: whole,
  uniqueKey: text,
  lastFailedAt: whole,
  retention: whole,
  completedAt: whole,
  groupKey: text,
  headers: fc.dictionary(text, text, { noNullPrototype: true }),
});

describe("a task message", () => {
  test("is the same when it was encoded and decoded", () => {
    fc.assert(
      fc.property(message, (made) => {
        expect(comparable(decodeTaskMessage(encodeTaskMessage(made)))).toEqual(comparable(made));
      }),
    );
  });

  test("keeps fields that are not known here, of every wire type, when it is written again", () => {
    // All but the one of ours that says that a task has no limit.
    const number = fc.integer({ min: 16, max: 5_000 }).filter((one) => one !== 2_000);
    const unknown = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant("int" as const),
          number,
          value: whole,
        }),
        fc.record({
          kind: fc.constant("bytes" as const),
          number,
          value: fc.uint8Array({ minLength: 1, maxLength: 40 }),
        }),
      ),
    );
    fc.assert(
      fc.property(message, unknown, fc.integer({ min: 0, max: 1_000 }), (made, fields, retried) => {
        const writer = createWriter();
        for (const field of fields) {
          if (field.kind === "int") writer.int(field.number, field.value);
          else writer.bytes(field.number, field.value);
        }
        // Fixed 64 and fixed 32, which nothing here writes.
        writer.raw(new Uint8Array([0x81, 0x02, 1, 2, 3, 4, 5, 6, 7, 8, 0x85, 0x02, 9, 8, 7, 6]));
        const strange = writer.finish();
        const stored = Buffer.concat([strange, encodeTaskMessage(made)]);
        const again = encodeTaskMessage({ ...decodeTaskMessage(stored), retried });
        expect(Buffer.from(decodeTaskMessage(again).unknown ?? []).toString("hex")).toBe(
          Buffer.from(strange).toString("hex"),
        );
        expect(comparable(decodeTaskMessage(again))).toEqual(comparable({ ...made, retried }));
      }),
    );
  });

  test("is read and written as the rules of the encoding have it", () => {
    // By hand: {Type: "t", Payload: "p", Id: "i", Queue: "q", Retry: 25, Timeout: 1800, Retried: -1}
    const hex = "0a01741201701a0169220171281930ffffffffffffffffff0140880e";
    const read = decodeTaskMessage(Buffer.from(hex, "hex"));
    expect(comparable(read)).toMatchObject({
      type: "t",
      payload: "70",
      id: "i",
      queue: "q",
      retry: 25,
      timeout: 1800,
    });
    expect(read.retried).toBe(-1);
    expect(Buffer.from(encodeTaskMessage(read)).toString("hex")).toBe(hex);
  });

  test("without a limit has asynq's own for asynq, and none for us; a limit that was said is the same for both", () => {
    const bare = decodeTaskMessage(new Uint8Array());
    const asAsynqReads = (made: TaskMessage) =>
      [...readFields(encodeTaskMessage(made))].filter(({ number }) => number === 8).map(({ int }) => int);
    const limits = [
      { timeout: 0, deadline: 0, asynq: [1800] },
      { timeout: 0, deadline: 1_700_000_000, asynq: [] },
      { timeout: 1800, deadline: 0, asynq: [1800] },
      { timeout: 60, deadline: 0, asynq: [60] },
    ];
    for (const { asynq, ...limit } of limits) {
      const made = { ...bare, ...limit };
      expect(asAsynqReads(made)).toEqual(asynq);
      const read = decodeTaskMessage(encodeTaskMessage(made));
      expect([read.timeout, read.deadline]).toEqual([limit.timeout, limit.deadline]);
      expect(read.unknown).toBeUndefined();
      // Written again, as a retry does.
      expect(Buffer.from(encodeTaskMessage(read)).equals(encodeTaskMessage(made))).toBe(true);
    }
  });

  test("that is cut off is refused, wherever", () => {
    const whole = encodeTaskMessage({
      ...decodeTaskMessage(new Uint8Array()),
      type: "abc",
      payload: "def",
      deadline: 300,
    });
    for (let length = 1; length < whole.length; length++) {
      const read = () => [...readFields(whole.subarray(0, length))].length;
      const fields = [5, 10].includes(length) ? read() : undefined;
      if (fields === undefined) expect(read).toThrow(RangeError);
      else expect(fields).toBe(length / 5);
    }
  });

  test("is read where it is among other bytes, and never beyond its end", () => {
    const whole = encodeTaskMessage({ ...decodeTaskMessage(new Uint8Array()), type: "abc", deadline: 300 });
    const among = Buffer.concat([Buffer.from([1, 2]), whole, Buffer.from([0x88, 0x80])]);
    const part = (at: number) => decodeTaskMessage(among, undefined, { from: 2, at });
    expect(part(2 + whole.length)).toMatchObject({ type: "abc", deadline: 300 });
    for (let at = 3; at < 2 + whole.length; at++) {
      if (at - 2 !== 5 && at - 2 !== 9) expect(() => part(at)).toThrow(RangeError);
    }
  });
});

test("a server record is the same when it was encoded and decoded", () => {
  const server = {
    id: "x",
    host: "höst",
    pid: 12,
    startedAt: 1_763_750_000_123,
    status: "active",
    concurrency: 10,
    queues: { critical: 6, low: 1 },
    active: 3,
    strict: true,
  };
  const { strict, ...shown } = server;
  expect(strict).toBe(true);
  expect(decodeServer(encodeServer(server))).toEqual(shown);
});

function comparable({ payload, headers, unknown: _, ...rest }: TaskMessage) {
  return {
    ...rest,
    payload: Buffer.from(payload as Uint8Array).toString("hex"),
    headers: Object.entries(headers).sort(),
  };
}
